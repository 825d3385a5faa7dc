"""Sessions of people: a refresh token that changes each time it is used."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_PREFIX = "ssr_"
_PART = 32


class SessionEnded(Exception):
    """The caller's fault: there is no such session, or no more; log in again."""


@dataclass(frozen=True)
class Lifetimes:
    """How long things hold."""

    access: timedelta
    """An access token: what was revoked is refused by the gateway after so long at the latest."""
    idle: timedelta
    """A session that is not used."""
    session: timedelta
    """A session in all."""


@dataclass(frozen=True)
class RefreshToken:
    """The secret of a session, which stays, and the one of this use, which goes with it.

    A right `family` with a wrong `turn` is a token that was used before: somebody has a copy.
    """

    family: bytes = field(repr=False)
    turn: bytes = field(repr=False)

    @property
    def family_hash(self) -> bytes:
        """What is stored of it. 256 random bits need no slow hash."""
        return hashlib.sha256(self.family).digest()

    @property
    def turn_hash(self) -> bytes:
        """What is stored of it."""
        return hashlib.sha256(self.turn).digest()

    def next(self) -> "RefreshToken":
        """Return the token for the use after this one."""
        return RefreshToken(self.family, secrets.token_bytes(_PART))

    def write(self) -> str:
        """Return what the client gets."""
        encoded = base64.urlsafe_b64encode(self.family + self.turn)
        return _PREFIX + encoded.rstrip(b"=").decode()


def new_refresh_token() -> RefreshToken:
    """Return the first token of a session."""
    return RefreshToken(secrets.token_bytes(_PART), secrets.token_bytes(_PART))


def parse_refresh_token(text: str) -> RefreshToken:
    """Return the token that this is.

    Raises:
        SessionEnded: If it is none.
    """
    try:
        encoded = text.removeprefix(_PREFIX) + "=="
        data = base64.b64decode(encoded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not text.startswith(_PREFIX) or len(data) != 2 * _PART:
        raise SessionEnded("This is no refresh token; log in again.")
    return RefreshToken(data[:_PART], data[_PART:])


@dataclass(frozen=True)
class Session:
    """A session as its user sees it; `client` is what the client called itself."""

    id: str
    user_id: str
    client: str
    address: str
    created_at: datetime
    used_at: datetime
