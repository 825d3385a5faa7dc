"""The keys that tokens are signed with: a new one each period, the same in each replica."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALGORITHM = "EdDSA"
PERIOD = timedelta(days=30)
"""How long a key signs. No token lives longer, so the key before it is all that is kept."""

NOTICE = timedelta(days=1)
"""How long before it signs a key is published at least, also where keys begin to rotate."""

_FIRST_PURPOSE = "soundstrip-auth: Ed25519 key of tokens, version 1"
_PURPOSE = "soundstrip-auth: Ed25519 key of tokens, version 2, period {}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class SigningKey:
    """An Ed25519 key; its id is the thumbprint of its public half by RFC 7638."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> Ed25519PublicKey:
        """The public half."""
        return self.private.public_key()

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public half as a JWK (RFC 7517, RFC 8037)."""
        raw = self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        numbers = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
        return numbers | {"kid": _thumbprint(numbers), "alg": ALGORITHM, "use": "sig"}

    @property
    def id(self) -> str:
        """The key's id."""
        return self.jwk["kid"]


class KeySchedule:
    """Which key signs when, and which are published: of the period before, this and the next.

    All follows from the secret and the time, so that replicas agree and nothing has to be stored,
    but for the moment in which an installation's keys began to rotate. Until the end of the period
    that follows upon it the key is the one that came before there was rotation.
    """

    def __init__(
        self, secret: bytes, rotating_since: datetime, others: Sequence[bytes] = ()
    ) -> None:
        """Derive keys from `secret` by HKDF-SHA256 (RFC 5869); those of `others` are known too.

        Args:
            secret: What signs.
            rotating_since: When keys began to rotate here, in UTC.
            others: Further secrets, whose keys are published and never sign.
        """
        self._secret = secret
        self._others = tuple(others)
        self._first = period_of(rotating_since + NOTICE)
        self._derived: dict[tuple[bytes, str], SigningKey] = {}

    def signing(self, now: datetime) -> SigningKey:
        """Return the key that signs now."""
        return self._key(self._secret, period_of(now))

    def published(self, now: datetime) -> dict[str, SigningKey]:
        """Return the keys that tokens are checked with now, by their ids."""
        return {key.id: key for key in self._around(period_of(now))}

    def jwks(self, now: datetime) -> dict[str, Any]:
        """Return the public halves of these as a JWK Set."""
        return {"keys": [key.jwk for key in self.published(now).values()]}

    def _around(self, period: int) -> Iterator[SigningKey]:
        for secret in (self._secret, *self._others):
            for number in (period, period - 1, period + 1):
                yield self._key(secret, number)

    def _key(self, secret: bytes, period: int) -> SigningKey:
        purpose = _FIRST_PURPOSE if period <= self._first else _PURPOSE.format(period)
        if (secret, purpose) not in self._derived:
            self._derived[secret, purpose] = derive_key(secret, purpose)
        return self._derived[secret, purpose]


def period_of(moment: datetime) -> int:
    """Return the number of the period that the moment is in."""
    return (moment - _EPOCH) // PERIOD


def derive_key(secret: bytes, purpose: str) -> SigningKey:
    """Return the key that this secret has for this purpose."""
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode())
    return SigningKey(Ed25519PrivateKey.from_private_bytes(derive.derive(secret)))


def _thumbprint(jwk: Mapping[str, str]) -> str:
    canonical = json.dumps(jwk, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
