"""Tokens: JWTs signed with Ed25519 (EdDSA, RFC 8037)."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt

from soundstrip_auth.signing import ALGORITHM, KeySchedule
from soundstrip_auth.users import User, is_admin

ISSUER = "soundstrip-auth"
AUDIENCE = "soundstrip"
KEY_CLAIM = "key_id"
"""Of a token that was given for an API key: the key's id."""

LEGACY_LIFETIME = timedelta(hours=24)
"""How long a token of POST /login holds; nothing ends it sooner."""

_LEEWAY_SECONDS = 10
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti"]


class TokenRefused(Exception):
    """The token proves nothing; the sentence says why, and never holds the token."""


class Tokens:
    """Signs tokens, and reads them."""

    def __init__(self, keys: KeySchedule, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._clock = clock

    def jwks(self) -> dict[str, Any]:
        """Return the public keys that others check tokens with, as a JWK Set."""
        return self._keys.jwks(self._clock())

    def issue(self, user: User, lifetime: timedelta, **further: str) -> str:
        """Return a token of the user, from now on for so long, with further claims."""
        return self.sign(make_claims(user, self._clock(), lifetime) | further)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the token that carries the claims."""
        key = self._keys.signing(self._clock())
        return jwt.encode(dict(claims), key.private, ALGORITHM, headers={"kid": key.id})

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that one of our keys signed and that holds now.

        Raises:
            TokenRefused: If none did, or it does not hold any more.
        """
        try:
            return self._decode(token)
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("The token has expired; log in again.") from error
        except jwt.PyJWTError as error:
            raise TokenRefused("The token is none of this service's.") from error

    def _decode(self, token: str) -> dict[str, Any]:
        kid = str(jwt.get_unverified_header(token).get("kid", ""))
        key = self._keys.published(self._clock()).get(kid)
        if key is None:
            raise TokenRefused("The token is none of this service's, or of long ago; log in again.")
        return jwt.decode(
            token,
            key.public,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=_LEEWAY_SECONDS,
            options={"require": _REQUIRED},
        )


def make_claims(user: User, now: datetime, lifetime: timedelta) -> dict[str, Any]:
    """Return what a token says of the user; `username` is for clients of the seed."""
    issued = int(now.timestamp())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user.id,
        "username": user.name,
        "name": user.name,
        "email": user.email,
        "admin": is_admin(user.role),
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
        "jti": uuid.uuid4().hex,
    }
