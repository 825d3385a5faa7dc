"""What is done with users: making them, letting them in, and giving them other passwords."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from soundstrip_auth.database import Database, Statements
from soundstrip_auth.guard import Kind, Mark, choose_marks, widen
from soundstrip_auth.guard_store import GuardStore
from soundstrip_auth.invitations import InvitationUnknown, accept
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.session_store import end_sessions
from soundstrip_auth.store import (
    Account,
    UserStore,
    insert_user,
    reporting_taken,
    set_password,
)
from soundstrip_auth.users import (
    Role,
    User,
    UserExists,
    check_name,
    check_new_user,
    check_password,
    classify_login,
)
from soundstrip_auth.vouchers import Purpose, VoucherRefused, VoucherStore, redeem

_NOBODY = ""
"""No user's id: what is asked for a user is asked for nobody too, and takes as long."""


class Busy(Exception):
    """The world's fault: more people log in at once than there is room for."""


class PasswordWrong(Exception):
    """The caller's fault: the user name or the password is wrong, or the user is disabled."""

    def __init__(self, user_id: str | None = None) -> None:
        """Say whose password it is not; that is for the audit log, and never for the caller."""
        super().__init__("The user name or the password is wrong.")
        self.user_id = user_id


class LoginImpossible(PasswordWrong):
    """The caller's fault: no user can be called that. It is nothing that the audit log needs."""


class Accounts:
    """The users, with room for so many logins at a time."""

    def __init__(self, database: Database, passwords: Passwords, places: int = 1) -> None:
        """Take at most `places` logins at once, so that other requests find a thread."""
        self._database = database
        self._store = UserStore(database)
        self._guard = GuardStore(database)
        self._passwords = passwords
        self._places = threading.BoundedSemaphore(places)

    def log_in(self, login: str, password: str, address: str) -> User:
        """Return the user with this name or e-mail and this password.

        Whether or not there is such a user, the same is done, and takes as long.

        Raises:
            PasswordWrong: If there is none.
            TooManyAttempts: If there was guessing, and the time to wait is not over.
            Busy: If there is no room now.
            DatabaseUnavailable: If MySQL cannot be used.
        """
        with self._place():
            if classify_login(login) is None:  # no user can be called that: nothing to guard
                self._passwords.matches(password, None)
                raise LoginImpossible
            return self._try(login, password, widen(address))

    def _try(self, login: str, password: str, address: str) -> User:
        account = self._store.find(login)
        is_known = self._guard.knows(account.user.id if account else _NOBODY, address)
        admission = self._guard.admit(choose_marks(login, address, is_known=is_known))
        if not self._matches(account, password) or account is None:
            self._guard.fail(admission)
            raise PasswordWrong(account.user.id if account else None)
        self._guard.succeed(admission, account.user.id, address)
        self._store.note_login(account.user.id)
        return account.user

    def _matches(self, account: Account | None, password: str) -> bool:
        matches = self._passwords.matches(password, account.password_hash if account else None)
        return matches and account is not None and account.is_enabled

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
        return self._store.add(name, email, self._hash(password), role)

    def register(self, purpose: Purpose, token: str, name: str, password: str) -> User:
        """Make the user whom the token was sent to; it is worth nothing any more then.

        Raises:
            UserRefused: If no user can have these.
            UserExists: If the name or the e-mail belongs to a user already; the token is still
                good then.
            VoucherRefused: If the token is worth nothing.
            Busy, DatabaseUnavailable: As `log_in` does.
        """
        check_name(name)
        check_password(password)
        hashed = self._hash(password)
        with reporting_taken(), self._database.transaction() as statements:
            email, role = _redeem_place(statements, purpose, token)
            return insert_user(statements, name, email, hashed, role)

    def change_password(
        self, user: User, current: str, new: str, address: str, session_id: str | None
    ) -> None:
        """Give the user another password; all sessions end but this one.

        Raises:
            UserRefused: If the new one is none.
            PasswordWrong, TooManyAttempts, Busy, DatabaseUnavailable: As `log_in` does.
        """
        check_password(new)
        self.log_in(user.name, current, address)
        hashed = self._hash(new)
        with self._database.transaction() as statements:
            set_password(statements, user.id, hashed)
            end_sessions(statements, user.id, but=session_id or "")

    def reset_password(self, token: str, new: str) -> str:
        """Give the user whom the token was sent to another password, and return the user's id.

        All sessions of the user end with it, and what was guessed is forgotten.

        Raises:
            UserRefused: If the new password is none; the token is still good then.
            VoucherRefused: If the token is worth nothing.
            Busy, DatabaseUnavailable: As `log_in` does.
        """
        check_password(new)
        if VoucherStore(self._database).find(Purpose.RESET, token) is None:
            raise VoucherRefused
        hashed = self._hash(new)
        with self._database.transaction() as statements:
            user_id = redeem(statements, Purpose.RESET, token)
            set_password(statements, user_id, hashed)
            end_sessions(statements, user_id)
        self.unlock(self._store.get(user_id).user)
        return user_id

    def unlock(self, user: User) -> None:
        """Let the user's next attempts to log in be made at once, wherever they come from."""
        addresses = self._guard.known_addresses(user.id)
        logins = (user.name.lower(), user.email.lower())
        known = [m for a in addresses for n in logins for m in choose_marks(n, a, is_known=True)]
        self._guard.forget([*(Mark(Kind.ACCOUNT, login) for login in logins), *known])

    def seconds_locked(self, user: User) -> float:
        """Return how long who comes from an unknown address has to wait for the next attempt."""
        logins = (user.name.lower(), user.email.lower())
        return self._guard.seconds_left([Mark(Kind.ACCOUNT, login) for login in logins])

    def _hash(self, password: str) -> str:
        with self._place():
            return self._passwords.hash(password)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Busy("Too many logins at once.")
        try:
            yield
        finally:
            self._places.release()


def _redeem_place(statements: Statements, purpose: Purpose, token: str) -> tuple[str, Role]:
    """Use up the token, and the invitation if it is one's; return whose it is, and as what."""
    subject = redeem(statements, purpose, token)
    if purpose is not Purpose.INVITATION:
        return subject, Role.USER
    try:
        invitation = accept(statements, subject)
    except InvitationUnknown as error:
        raise VoucherRefused from error
    return invitation.email, invitation.role
