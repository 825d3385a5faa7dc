"""Users in MySQL."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from soundstrip_auth.database import Database, Duplicate, Statements
from soundstrip_auth.users import LastAdmin, Role, User, UserExists, UserUnknown, classify_login
from soundstrip_auth.vouchers import Purpose, cancel

_COLUMNS = (
    "SELECT id, name, email, role, password_hash, users.created_at, disabled_at, last_login_at"
    " FROM users LEFT JOIN standings ON user_id = id "
)
_BY_LOGIN = {"name": _COLUMNS + "WHERE name = %s", "email": _COLUMNS + "WHERE email = %s"}
_BY_ID = _COLUMNS + "WHERE id = %s"
_PAGE = _COLUMNS + "WHERE name > %s ORDER BY name LIMIT %s"
_INSERT = "INSERT INTO users (id, name, email, password_hash, role) VALUES (%s, %s, %s, %s, %s)"
_TAKEN = "SELECT 1 FROM users WHERE name = %s OR email = %s LIMIT 1"
_ADMINS = (
    "SELECT id FROM users LEFT JOIN standings ON user_id = id"
    " WHERE role = 'admin' AND disabled_at IS NULL FOR UPDATE"
)
_LOGGED_IN = (
    "INSERT INTO standings (user_id, last_login_at) VALUES (%s, NOW(6))"
    " ON DUPLICATE KEY UPDATE last_login_at = NOW(6)"
)
_DISABLE = (
    "INSERT INTO standings (user_id, disabled_at) VALUES (%s, NOW(6))"
    " ON DUPLICATE KEY UPDATE disabled_at = COALESCE(disabled_at, NOW(6))"
)


@dataclass(frozen=True)
class Account:
    """A user with the PHC string of the password, and how it stands with them."""

    user: User
    password_hash: str = field(repr=False)
    created_at: datetime
    disabled_at: datetime | None
    last_login_at: datetime | None

    @property
    def is_enabled(self) -> bool:
        """Whether the user may log in."""
        return self.disabled_at is None


class UserStore:
    """The tables `users` and `standings`. Every method raises DatabaseUnavailable without MySQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, login: str) -> Account | None:
        """Return the account with this name or e-mail, in capitals or not."""
        kind = classify_login(login)
        return None if kind is None else self._find(_BY_LOGIN[kind], login)

    def get(self, user_id: str) -> Account:
        """Return the account with this id.

        Raises:
            UserUnknown: If there is none.
        """
        account = self._find(_BY_ID, user_id)
        if account is None:
            raise UserUnknown("There is no user with this id.")
        return account

    def page(self, after: str, limit: int) -> list[Account]:
        """Return so many accounts at most, by name, from the one after this name on."""
        return [_read(row) for row in self._database.read(_PAGE, (after, limit))]

    def is_taken(self, name: str, email: str) -> bool:
        """Return whether a user has the name or the e-mail."""
        return bool(self._database.read(_TAKEN, (name, email)))

    def add(self, name: str, email: str, password_hash: str, role: Role) -> User:
        """Add a user with a new id.

        Raises:
            UserExists: If the name or the e-mail belongs to a user already.
        """
        with reporting_taken(), self._database.statements() as statements:
            return insert_user(statements, name, email, password_hash, role)

    def note_login(self, user_id: str) -> None:
        """Remember that the user has logged in now."""
        self._database.write(_LOGGED_IN, (user_id,))

    def set_role(self, user_id: str, role: Role) -> None:
        """Give the user another role.

        Raises:
            LastAdmin: If no admin would be left.
        """
        with self._database.transaction() as statements:
            if role is not Role.ADMIN:
                _keep_an_admin(statements, user_id)
            statements.write("UPDATE users SET role = %s WHERE id = %s", (role.value, user_id))

    def disable(self, user_id: str) -> None:
        """Let the user log in no more.

        Raises:
            LastAdmin: If no admin would be left.
        """
        with self._database.transaction() as statements:
            _keep_an_admin(statements, user_id)
            statements.write(_DISABLE, (user_id,))

    def enable(self, user_id: str) -> None:
        """Let the user log in again."""
        self._database.write(
            "UPDATE standings SET disabled_at = NULL WHERE user_id = %s", (user_id,)
        )

    def remove(self, user_id: str) -> None:
        """Remove the user with all that auth holds of them; the id is never given again.

        Raises:
            LastAdmin: If no admin would be left.
        """
        with self._database.transaction() as statements:
            _keep_an_admin(statements, user_id)
            cancel(statements, Purpose.RESET, user_id)
            statements.write("DELETE FROM users WHERE id = %s", (user_id,))

    def _find(self, statement: str, value: str) -> Account | None:
        return next(map(_read, self._database.read(statement, (value,))), None)


@contextmanager
def reporting_taken() -> Iterator[None]:
    """Raise UserExists for a name or e-mail that was taken in the meantime."""
    try:
        yield
    except Duplicate as error:
        raise UserExists("The name or the e-mail belongs to a user already.") from error


def insert_user(
    statements: Statements, name: str, email: str, password_hash: str, role: Role
) -> User:
    """Add a user with a new id.

    Raises:
        Duplicate: If the name or the e-mail belongs to a user already.
    """
    user = User(uuid.uuid4().hex, name, email, role)
    statements.write(_INSERT, (user.id, name, email, password_hash, role.value))
    return user


def set_password(statements: Statements, user_id: str, password_hash: str) -> None:
    """Give the user another password; letters for yet another one are worth nothing any more."""
    change = "UPDATE users SET password_hash = %s WHERE id = %s"
    statements.write(change, (password_hash, user_id))
    cancel(statements, Purpose.RESET, user_id)


def _keep_an_admin(statements: Statements, leaving: str) -> None:
    """Lock the admins until the end of the transaction, so that no two of them leave at once."""
    if [user_id for (user_id,) in statements.read(_ADMINS)] == [leaving]:
        raise LastAdmin("This is the last admin; make another one first.")


def _read(row: tuple[Any, ...]) -> Account:
    user_id, name, email, role, *rest = row
    return Account(User(user_id, name, email, Role(role)), *rest)
