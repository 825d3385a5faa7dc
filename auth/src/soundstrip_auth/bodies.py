"""What requests and answers hold: JSON, parsed at the door into what the rooms below work with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypeVar

import flask
import msgspec

from soundstrip_auth.api_keys import ApiKey
from soundstrip_auth.audit import Entry
from soundstrip_auth.invitations import Invitation
from soundstrip_auth.sessions import Session
from soundstrip_auth.store import Account
from soundstrip_auth.users import Role
from soundstrip_service.scopes import Scope

Login = Annotated[str, msgspec.Meta(max_length=254)]
Secret = Annotated[str, msgspec.Meta(max_length=1024)]
Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")
]


class BodyRefused(Exception):
    """The caller's fault: the body can't be read; the sentence says where, and quotes no value."""


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
    scopes: Annotated[frozenset[Scope], msgspec.Meta(min_length=1)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


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


class View(msgspec.Struct, frozen=True, rename="camel"):
    """What a client gets."""


class GrantView(View, frozen=True, omit_defaults=True):
    """An access token for `expires_in` seconds, and the refresh token if there is one."""

    access_token: str
    expires_in: int
    token_type: str = msgspec.field(default_factory=lambda: "Bearer")
    refresh_token: str | None = None
    scope: str | None = None
    session_id: str | None = None


class SessionView(View, frozen=True):
    """A session of one's own."""

    id: str
    client: str
    address: str
    created_at: datetime
    used_at: datetime
    current: bool

    @classmethod
    def of(cls, session: Session, current: str | None) -> "SessionView":
        """Show the session to whom the session `current` is."""
        moments = (session.created_at, session.used_at)
        return cls(session.id, session.client, session.address, *moments, session.id == current)


class ApiKeyView(View, frozen=True, omit_defaults=True):
    """An API key; its secret is shown when it is made, and never again."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    used_at: datetime | None = None
    key: str | None = None

    @classmethod
    def of(cls, api_key: ApiKey, key: str | None = None) -> "ApiKeyView":
        """Show the key."""
        moments = (api_key.created_at, api_key.expires_at, api_key.used_at)
        return cls(api_key.id, api_key.name, sorted(api_key.scopes), *moments, key)


class UserView(View, frozen=True, omit_defaults=True):
    """A user as admins see one."""

    id: str
    name: str
    email: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None
    last_login_at: datetime | None = None
    locked_seconds: int | None = None

    @classmethod
    def of(cls, account: Account, locked_seconds: int | None = None) -> "UserView":
        """Show the account."""
        user = account.user
        moments = (account.created_at, account.disabled_at, account.last_login_at)
        return cls(user.id, user.name, user.email, user.role, *moments, locked_seconds)


class InvitationView(View, frozen=True, omit_defaults=True):
    """An invitation; the token is there only where no letter carries it."""

    id: str
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime
    token: str | None = None

    @classmethod
    def of(cls, invitation: Invitation, token: str | None = None) -> "InvitationView":
        """Show the invitation."""
        moments = (invitation.created_at, invitation.expires_at)
        return cls(invitation.id, invitation.email, invitation.role, *moments, token)


class EntryView(View, frozen=True):
    """An entry of the audit log."""

    id: int
    at: datetime
    actor: str | None
    action: str
    subject: str | None
    address: str
    request_id: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        """Show the entry."""
        what = (entry.actor, entry.action, entry.subject, entry.address, entry.request_id)
        return cls(entry.id, entry.at, *what)


T = TypeVar("T")


def read_body(kind: type[T]) -> T:
    """Return the request's body.

    Raises:
        BodyRefused: If it is no such thing.
    """
    try:
        return msgspec.json.decode(flask.request.get_data(cache=False), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BodyRefused(f"The body is not the JSON that is expected: {error}.") from error


def answer(view: View, status: int = 200) -> flask.Response:
    """Return the answer that shows this; nobody may keep it."""
    return _json(msgspec.json.encode(view), status)


def answer_items(items: Sequence[View], cursor: str | None = None) -> flask.Response:
    """Return the answer that lists these; `cursor` leads to those after them."""
    return _json(msgspec.json.encode({"items": items, "nextCursor": cursor}), 200)


def answer_nothing(status: int = 204) -> flask.Response:
    """Return the answer that it is done, or will be."""
    response = flask.Response(status=status)
    del response.headers["Content-Type"]
    response.headers["Cache-Control"] = "no-store"
    return response


def _json(body: bytes, status: int) -> flask.Response:
    response = flask.Response(body, status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
