"""What a token may be used for, and what API keys look like: auth and the gateway agree on both."""

import re
import secrets
import string
import zlib
from collections.abc import Iterable
from enum import StrEnum

_PREFIX = "ss_"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 43
"""Digits of base 62 that hold 256 bits."""
_CHECKSUM_LENGTH = 6
_API_KEY = re.compile(rf"{_PREFIX}[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


class Scope(StrEnum):
    """A part of what users may do; a token without the claim `scope` is for all of it."""

    CONVERSIONS_READ = "conversions:read"
    CONVERSIONS_WRITE = "conversions:write"
    ADMIN_READ = "admin:read"
    ADMIN_WRITE = "admin:write"

    @property
    def is_for_admins(self) -> bool:
        """Whether the user has to be an admin besides."""
        return self in {Scope.ADMIN_READ, Scope.ADMIN_WRITE}


ALL_SCOPES = frozenset(Scope)


def parse_scopes(text: str) -> frozenset[Scope]:
    """Return the scopes that a claim `scope` names (RFC 8693); those of others are left out."""
    return frozenset(scope for scope in Scope if scope.value in text.split(" "))


def write_scopes(scopes: Iterable[Scope]) -> str:
    """Return the claim `scope` for these."""
    return " ".join(sorted(scopes))


def make_api_key() -> str:
    """Return a new API key: 256 random bits between a prefix and a checksum.

    By these, scanners of secrets can tell one without asking anybody.
    """
    text = _PREFIX + _base62(secrets.randbits(256), _SECRET_LENGTH)
    return text + _checksum(text)


def is_api_key(text: str) -> bool:
    """Return whether the text looks like an API key, and its checksum is right."""
    if not _API_KEY.fullmatch(text):
        return False
    return _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:]


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
