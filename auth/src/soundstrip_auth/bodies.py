"""What requests hold: JSON and parameters, parsed at the door."""

from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from soundstrip_auth.users import Role
from soundstrip_service.operations import read_json
from soundstrip_service.scopes import Scope

Login = Annotated[str, Meta(max_length=254)]
Secret = Annotated[str, Meta(max_length=1024)]
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)")]
Limit = Annotated[int, Meta(ge=1, le=100, description="how many at most")]

_MOST_ID = 2**63 - 1


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a client sends; it may hold secrets and does not show them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class NewSession(Body, frozen=True):
    """Name or e-mail, and password."""

    login: Login
    password: Secret


class RefreshGrant(Body, frozen=True, tag_field="grant", tag="refresh_token"):
    """A refresh token, for an access token and the next refresh token."""

    refresh_token: Secret


class ApiKeyGrant(Body, frozen=True, tag_field="grant", tag="api_key"):
    """An API key, for an access token."""

    api_key: Secret


class NewPassword(Body, frozen=True):
    """Another password, of somebody who knows the current one."""

    current_password: Secret
    new_password: Secret


class Address(Body, frozen=True):
    """Where a letter is to go."""

    email: Login


class ResetConfirmation(Body, frozen=True):
    """The token of a letter, and the password that is wanted."""

    token: Secret
    new_password: Secret


class RegistrationConfirmation(Body, frozen=True):
    """The token of a letter, and who its reader wants to be."""

    token: Secret
    name: Login
    password: Secret


class NewInvitation(Body, frozen=True):
    """Whom to invite."""

    email: Login
    role: Role = Role.USER


class NewApiKey(Body, frozen=True):
    """An API key that is wanted."""

    name: Name
    scopes: Annotated[list[Scope], Meta(min_length=1)]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class NewUser(Body, frozen=True):
    """A user that an admin makes."""

    name: Login
    email: Login
    password: Secret
    role: Role = Role.USER


class UserChange(Body, frozen=True):
    """What an admin changes of a user."""

    role: Role | None = None
    disabled: bool | None = None


Grant = RefreshGrant | ApiKeyGrant
"""What an access token is given for."""


class UserQuery(msgspec.Struct, frozen=True):
    """Which page of the users."""

    cursor: Annotated[
        str,
        Meta(max_length=63, pattern="^[A-Za-z0-9._-]*$", description="nextCursor of a page"),
    ] = ""
    limit: Limit = 20


class AuditQuery(msgspec.Struct, frozen=True):
    """Which page of the audit log."""

    cursor: Annotated[int, Meta(ge=1, le=_MOST_ID, description="nextCursor of a page")] | None = (
        None
    )
    limit: Limit = 20


T = TypeVar("T")


def read_body(kind: type[T]) -> T:
    """Return the request's JSON; `curl -d` calls it a form, and is let pass.

    Raises:
        Problem: As `read_json` does.
    """
    return read_json(kind, "application/x-www-form-urlencoded")
