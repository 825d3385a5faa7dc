"""What answers hold."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta

from soundstrip_auth.api_keys import ApiKey
from soundstrip_auth.audit import Entry
from soundstrip_auth.invitations import Invitation
from soundstrip_auth.sessions import Session
from soundstrip_auth.store import Account
from soundstrip_auth.users import Role
from soundstrip_service.scopes import Scope

Cursor = Annotated[str, Meta(description="of the next page; null at the end")]


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


class EntryView(Entry, frozen=True):
    """An entry of the audit log."""

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        """Show the entry."""
        return cls(*msgspec.structs.astuple(entry))


class Sessions(View, frozen=True):
    """One's sessions, the one used last first."""

    items: list[SessionView]
    next_cursor: None = None


class ApiKeys(View, frozen=True):
    """One's API keys, the newest first."""

    items: list[ApiKeyView]
    next_cursor: None = None


class Invitations(View, frozen=True):
    """All invitations that stand, the newest first."""

    items: list[InvitationView]
    next_cursor: None = None


class Users(View, frozen=True):
    """A page of users, by name."""

    items: list[UserView]
    next_cursor: Cursor | None


class Entries(View, frozen=True):
    """A page of the audit log, the newest first."""

    items: list[EntryView]
    next_cursor: Cursor | None


class Token(View, frozen=True):
    """A token for 24 hours."""

    token: str


class KeySet(View, frozen=True):
    """The public keys that tokens are checked with (RFC 7517)."""

    keys: list[dict[str, Any]]


def answer_nothing(status: int = HTTPStatus.NO_CONTENT) -> flask.Response:
    """Return the answer that it is done, or will be."""
    response = flask.Response(status=status)
    del response.headers["Content-Type"]
    return response
