"""Tokens: JWTs signed with Ed25519 (EdDSA, RFC 8037)."""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from soundstrip_auth.users import User, is_admin

ALGORITHM = "EdDSA"
ISSUER = "soundstrip-auth"
AUDIENCE = "soundstrip"
LIFETIME = timedelta(hours=24)

_KEY_PURPOSE = b"soundstrip-auth: Ed25519 key of tokens, version 1"
_LEEWAY_SECONDS = 10
_REQUIRED = ["iss", "aud", "sub", "iat", "exp", "jti"]


class TokenRefused(Exception):
    """The token proves nothing; the sentence says why, and never holds the token."""


class TokenKey:
    """The key that tokens are signed with: the same in each replica and after each restart."""

    def __init__(self, secret: bytes) -> None:
        """Derive the key from the secret by HKDF-SHA256 (RFC 5869)."""
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=_KEY_PURPOSE)
        self._private = Ed25519PrivateKey.from_private_bytes(derive.derive(secret))
        self._public = self._private.public_key()
        raw = self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        self._jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
        self.id = _thumbprint(self._jwk)

    def jwks(self) -> dict[str, Any]:
        """Return the public half as a JWK Set (RFC 7517, RFC 8037)."""
        return {"keys": [self._jwk | {"kid": self.id, "alg": ALGORITHM, "use": "sig"}]}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the token that carries the claims."""
        return jwt.encode(dict(claims), self._private, ALGORITHM, headers={"kid": self.id})

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that was signed with this key and holds now.

        Raises:
            TokenRefused: If it was not, or does not hold any more.
        """
        try:
            return jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=_LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("The token has expired; log in again.") from error
        except jwt.PyJWTError as error:
            raise TokenRefused("The token is none of this service's.") from error


def make_claims(user: User, now: datetime) -> dict[str, Any]:
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
        "exp": issued + int(LIFETIME.total_seconds()),
        "jti": uuid.uuid4().hex,
    }


def _thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the JWK's SHA-256 thumbprint by RFC 7638, of its required members alone."""
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
