"""What is done with users: making them, and letting them in."""

import threading

from soundstrip_auth.passwords import Passwords
from soundstrip_auth.store import UserStore
from soundstrip_auth.users import Role, User, UserExists, check_new_user


class Busy(Exception):
    """The world's fault: more people log in at once than there is room for."""


class Accounts:
    """The users, with room for so many logins at a time."""

    def __init__(self, store: UserStore, passwords: Passwords, places: int = 1) -> None:
        """Take at most `places` logins at once, so that other requests find a thread."""
        self._store = store
        self._passwords = passwords
        self._places = threading.BoundedSemaphore(places)

    def log_in(self, login: str, password: str) -> User | None:
        """Return the user with this name or e-mail and this password; None if there is none.

        Raises:
            Busy: If there is no room now.
            DatabaseUnavailable: If MySQL cannot be used.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("Too many logins at once.")
        try:
            account = self._store.find(login)
            stored = account.password_hash if account else None
            matches = self._passwords.matches(password, stored)
        finally:
            self._places.release()
        return account.user if account and matches else None

    def create(self, name: str, email: str, password: str, role: Role) -> User:
        """Make a user.

        Raises:
            UserRefused: If no user can have these.
            UserExists: If the name or the e-mail belongs to a user already; nothing is changed.
            DatabaseUnavailable: If MySQL cannot be used.
        """
        check_new_user(name, email, password)
        if self._store.is_taken(name, email):
            raise UserExists("The name or the e-mail belongs to a user already.")
        return self._store.add(name, email, self._passwords.hash(password), role)
