"""Users in MySQL."""

import uuid
from dataclasses import dataclass, field

from soundstrip_auth.database import Database, Duplicate
from soundstrip_auth.users import Role, User, UserExists, classify_login

_COLUMNS = "SELECT id, name, email, role, password_hash FROM users WHERE "
_BY_LOGIN = {"name": _COLUMNS + "name = %s", "email": _COLUMNS + "email = %s"}
_INSERT = "INSERT INTO users (id, name, email, password_hash, role) VALUES (%s, %s, %s, %s, %s)"
_TAKEN = "SELECT 1 FROM users WHERE name = %s OR email = %s LIMIT 1"


@dataclass(frozen=True)
class Account:
    """A user with the PHC string of the password."""

    user: User
    password_hash: str = field(repr=False)


class UserStore:
    """The table `users`. Every method raises DatabaseUnavailable when MySQL cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, login: str) -> Account | None:
        """Return the account with this name or e-mail, in capitals or not."""
        kind = classify_login(login)
        if kind is None:
            return None
        with self._database.connect() as connection, connection.cursor() as cursor:
            cursor.execute(_BY_LOGIN[kind], (login,))
            rows = cursor.fetchall()
        return next((_read(*row) for row in rows), None)

    def is_taken(self, name: str, email: str) -> bool:
        """Return whether a user has the name or the e-mail."""
        with self._database.connect() as connection, connection.cursor() as cursor:
            cursor.execute(_TAKEN, (name, email))
            return bool(cursor.fetchall())

    def add(self, name: str, email: str, password_hash: str, role: Role) -> User:
        """Add a user with a new id.

        Raises:
            UserExists: If the name or the e-mail belongs to a user already.
        """
        user = User(uuid.uuid4().hex, name, email, role)
        try:
            with self._database.connect() as connection, connection.cursor() as cursor:
                cursor.execute(_INSERT, (user.id, name, email, password_hash, role.value))
        except Duplicate as error:
            raise UserExists("The name or the e-mail belongs to a user already.") from error
        return user


def _read(user_id: str, name: str, email: str, role: str, password_hash: str) -> Account:
    return Account(User(user_id, name, email, Role(role)), password_hash)
