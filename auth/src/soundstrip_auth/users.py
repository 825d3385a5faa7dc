"""Users, and what makes one acceptable."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

MIN_PASSWORD = 8
"""NIST SP 800-63B-3, section 5.1.1.1: memorized secrets have at least 8 characters."""

MAX_PASSWORD = 256

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_MAX_EMAIL = 254


class Role(StrEnum):
    """What a user may do."""

    USER = "user"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """A user: `id` is a valid label value; `name` and `email` each belong to one user alone."""

    id: str
    name: str
    email: str
    role: Role


class UserRefused(Exception):
    """The caller's fault: such a user cannot be; the sentence says why, without the password."""


class UserExists(Exception):
    """The caller's fault: the name or the e-mail belongs to a user already."""


class UserUnknown(Exception):
    """The caller's fault: there is no such user."""


class LastAdmin(Exception):
    """The caller's fault: nobody would be left to administer the users."""


class LoginKind(StrEnum):
    """What people log in with; the value is the column that holds it."""

    NAME = "name"
    EMAIL = "email"


def classify_login(login: str) -> LoginKind | None:
    """Return what this is; None if no user can have it. A name never holds an @."""
    if _NAME.fullmatch(login):
        return LoginKind.NAME
    return LoginKind.EMAIL if _is_email(login) else None


def check_new_user(name: str, email: str, password: str) -> None:
    """Return if a user can have these.

    Raises:
        UserRefused: If not.
    """
    check_name(name)
    check_email(email)
    check_password(password)


def check_name(name: str) -> None:
    """Return if a user can have this name.

    Raises:
        UserRefused: If not.
    """
    if not _NAME.fullmatch(name):
        raise UserRefused(
            "A name has 1 to 63 letters, digits, dots, dashes and underscores, "
            "and begins and ends with a letter or digit."
        )


def check_email(email: str) -> None:
    """Return if a user can have this address.

    Raises:
        UserRefused: If not.
    """
    if not _is_email(email):
        raise UserRefused("The e-mail address is none that can be written to.")


def check_password(password: str) -> None:
    """Return if a user can have this password.

    Raises:
        UserRefused: If not.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UserRefused(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")


def is_admin(role: Role) -> bool:
    """Return whether the role is allowed everything."""
    match role:
        case Role.ADMIN:
            return True
        case Role.USER:
            return False
        case _:
            assert_never(role)


def _is_email(text: str) -> bool:
    return len(text) <= _MAX_EMAIL and _EMAIL.fullmatch(text) is not None
