"""Tokens that go out by e-mail and are worth one thing, once. MySQL holds their hashes."""

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum

from soundstrip_auth.database import Database, Statements

_PREFIX = "ssv_"
_FIND = "SELECT subject FROM vouchers WHERE hash = %s AND purpose = %s AND expires_at > NOW(6)"
_INSERT = (
    "INSERT INTO vouchers (hash, purpose, subject, expires_at)"
    " VALUES (%s, %s, %s, NOW(6) + INTERVAL %s SECOND)"
)


class Purpose(StrEnum):
    """What a voucher is worth."""

    RESET = "reset"
    """Another password for the user whose id the subject is."""
    REGISTRATION = "registration"
    """A user with the e-mail address that the subject is."""
    INVITATION = "invitation"
    """The same, with the invitation's role, while the invitation of this id stands."""


LIFETIMES = {
    Purpose.RESET: timedelta(hours=1),
    Purpose.REGISTRATION: timedelta(hours=1),
    Purpose.INVITATION: timedelta(days=7),
}


class VoucherRefused(Exception):
    """The caller's fault: there is no such token, or it was used, or came too late."""

    def __init__(self) -> None:
        super().__init__("The token was used before or is too old; ask for another letter.")


class VoucherStore:
    """The table `vouchers`. Every method raises DatabaseUnavailable when MySQL cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(self, purpose: Purpose, subject: str) -> str:
        """Return a new token for the subject; those before it are worth nothing any more."""
        token = _PREFIX + secrets.token_urlsafe(32)
        seconds = int(LIFETIMES[purpose].total_seconds())
        with self._database.transaction() as statements:
            cancel(statements, purpose, subject)
            statements.write(_INSERT, (_hash(token), purpose.value, subject, seconds))
        return token

    def find(self, purpose: Purpose, token: str) -> str | None:
        """Return the subject of a token that is worth something; None if it is not."""
        found = self._database.read(_FIND, (_hash(token), purpose.value))
        return next((subject for (subject,) in found), None)


def redeem(statements: Statements, purpose: Purpose, token: str) -> str:
    """Return the token's subject; it is worth nothing any more when the transaction is through.

    Raises:
        VoucherRefused: If it is worth nothing now.
    """
    found = statements.read(_FIND, (_hash(token), purpose.value))
    if not found or not statements.write("DELETE FROM vouchers WHERE hash = %s", (_hash(token),)):
        raise VoucherRefused
    return str(found[0][0])


def cancel(statements: Statements, purpose: Purpose, subject: str) -> None:
    """Let what was sent to the subject for this purpose be worth nothing any more."""
    where = "DELETE FROM vouchers WHERE purpose = %s AND subject = %s"
    statements.write(where, (purpose.value, subject))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
