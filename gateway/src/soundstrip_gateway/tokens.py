"""Who is asking: a bearer token, checked here against the auth service's public keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from soundstrip_crds.conversion import Owner
from soundstrip_gateway.keys import KeyRing

ISSUER = "soundstrip-auth"
AUDIENCE = "soundstrip"

_ALGORITHM = "EdDSA"
_LEEWAY_SECONDS = 10
_MAX_TOKEN = 4096
_MAX_NAME = 127
_MAX_EMAIL = 254


class TokenRefused(Exception):
    """The token proves nothing; the sentence says why, and never holds the token."""


@dataclass(frozen=True)
class Caller:
    """The user on whose behalf a request comes; `email` is where messages go, if anywhere.

    `expires_at`, in seconds since 1970, is when the proof of that loses its worth.
    """

    id: str
    name: str
    email: str | None
    admin: bool
    expires_at: float | None = None


class Tokens:
    """Checks tokens."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def verify(self, token: str) -> Caller:
        """Return whose token it is.

        Raises:
            TokenRefused: If it is malformed, expired, or not by the auth service for Soundstrip.
            AuthUnavailable: If the auth service's keys were never to be had.
        """
        if len(token) > _MAX_TOKEN:
            raise TokenRefused("The token is none of this service's.")
        try:
            return read_claims(self._decode(token))
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("The token has expired; log in again.") from error
        except (jwt.PyJWTError, msgspec.ValidationError) as error:
            raise TokenRefused("The token is none of this service's.") from error

    def _decode(self, token: str) -> Mapping[str, Any]:
        key = self._keys.find(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise TokenRefused("The token's key is unknown; log in again.")
        return jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )


def read_claims(claims: Mapping[str, Any]) -> Caller:
    """Return the caller that verified claims speak of.

    Raises:
        msgspec.ValidationError: If `sub` is not fit to be an owner's id.
    """
    name = str(claims.get("username") or claims.get("name") or claims["sub"])[:_MAX_NAME]
    owner = msgspec.convert({"id": claims["sub"], "name": name}, Owner)
    email = claims.get("email")
    sendable = isinstance(email, str) and "@" in email and len(email) <= _MAX_EMAIL
    return Caller(
        id=owner.id,
        name=owner.name,
        email=email if sendable else None,
        admin=claims.get("admin") is True,
        expires_at=claims.get("exp"),
    )
