"""Who may become a user though registration is not open to everybody."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from soundstrip_auth.database import Database, Duplicate, Row, Statements
from soundstrip_auth.outbox import add_letter
from soundstrip_auth.users import Role, UserExists
from soundstrip_auth.vouchers import LIFETIMES, Purpose, cancel

_COLUMNS = "SELECT id, email, role, created_at, expires_at FROM invitations WHERE "
_STANDS = "expires_at > NOW(6)"
_INSERT = (
    "INSERT INTO invitations (id, email, role, expires_at)"
    " VALUES (%s, %s, %s, NOW(6) + INTERVAL %s SECOND)"
)

_FORGET_LETTER = (
    "DELETE FROM letters WHERE purpose = 'invitation'"
    " AND email = (SELECT email FROM invitations WHERE id = %s)"
)


class InvitationUnknown(Exception):
    """The caller's fault: there is no such invitation."""


@dataclass(frozen=True)
class Invitation:
    """Somebody with this address may become a user of this role."""

    id: str
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class InvitationStore:
    """The table `invitations`. Every method raises DatabaseUnavailable without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, email: str, role: Role, *, by_letter: bool) -> Invitation:
        """Invite somebody, and have a letter say so.

        Raises:
            UserExists: If the address was invited already.
        """
        invitation_id = uuid.uuid4().hex
        seconds = int(LIFETIMES[Purpose.INVITATION].total_seconds())
        try:
            with self._database.transaction() as statements:
                expired = f"DELETE FROM invitations WHERE email = %s AND NOT ({_STANDS})"  # noqa: S608
                statements.write(expired, (email,))
                statements.write(_INSERT, (invitation_id, email, role.value, seconds))
                if by_letter:
                    add_letter(statements, Purpose.INVITATION, email)
                [row] = statements.read(_COLUMNS + "id = %s", (invitation_id,))
        except Duplicate as error:
            raise UserExists("The e-mail address was invited already.") from error
        return _read(row)

    def find(self, email: str) -> Invitation:
        """Return the invitation of this address, if it stands.

        Raises:
            InvitationUnknown: If there is none.
        """
        found = self._database.read(f"{_COLUMNS}email = %s AND {_STANDS}", (email,))
        return _read_one(found)

    def standing(self) -> list[Invitation]:
        """Return all that stand, the newest first, a thousand at most."""
        where = _COLUMNS + _STANDS + " ORDER BY created_at DESC, id LIMIT 1000"
        return [_read(row) for row in self._database.read(where)]

    def remove(self, invitation_id: str) -> None:
        """Withdraw an invitation, and what was sent for it.

        Raises:
            InvitationUnknown: If there is none.
        """
        with self._database.transaction() as statements:
            cancel(statements, Purpose.INVITATION, invitation_id)
            if not _forget(statements, invitation_id):
                raise InvitationUnknown("There is no invitation with this id.")


def accept(statements: Statements, invitation_id: str) -> Invitation:
    """Return the invitation, which is used up when the transaction is through.

    Raises:
        InvitationUnknown: If it does not stand.
    """
    stands = f"{_COLUMNS}id = %s AND {_STANDS} FOR UPDATE"
    invitation = _read_one(statements.read(stands, (invitation_id,)))
    _forget(statements, invitation_id)
    return invitation


def _forget(statements: Statements, invitation_id: str) -> bool:
    """Remove an invitation, and the letter that waits for it; return whether there was one."""
    statements.write(_FORGET_LETTER, (invitation_id,))
    return bool(statements.write("DELETE FROM invitations WHERE id = %s", (invitation_id,)))


def _read_one(rows: list[Row]) -> Invitation:
    if not rows:
        raise InvitationUnknown("There is no such invitation.")
    return _read(rows[0])


def _read(row: Row) -> Invitation:
    invitation_id, email, role, *times = row
    return Invitation(invitation_id, email, Role(role), *times)
