"""What admins do with users, and what was done."""

import flask

from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import (
    EntryView,
    NewUser,
    UserChange,
    UserView,
    answer,
    answer_items,
    answer_nothing,
    read_body,
)
from soundstrip_auth.callers import Caller, identify_admin
from soundstrip_auth.parts import Parts
from soundstrip_auth.problems import malformed
from soundstrip_auth.users import Role, User
from soundstrip_service.scopes import Scope

_MOST = 100
_NEWEST = 2**63


def user_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes of users."""
    routes = flask.Blueprint("users", __name__)

    @routes.get("/v1/users")
    def index() -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        limit = _read_number("limit", 20, _MOST)
        page = parts.users.page(flask.request.args.get("cursor", ""), limit)
        cursor = page[-1].user.name if len(page) == limit else None
        return answer_items([UserView.of(account) for account in page], cursor)

    @routes.post("/v1/users")
    def create() -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        body = read_body(NewUser)
        user = parts.accounts.create(body.name, body.email, body.password, body.role)
        parts.audit.record(Action.USER_MADE, caller.user.id, user.id)
        return answer(UserView.of(parts.users.get(user.id)), 201)

    @routes.get("/v1/users/<user_id>")
    def show(user_id: str) -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        return _show(parts, user_id)

    @routes.patch("/v1/users/<user_id>")
    def change(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        body = read_body(UserChange)
        if body.role is not None:
            _change_role(parts, caller, user, body.role)
        if body.disabled is not None:
            _disable(parts, caller, user, disabled=body.disabled)
        return _show(parts, user_id)

    @routes.delete("/v1/users/<user_id>")
    def delete(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        parts.users.remove(user.id)
        parts.audit.record(Action.USER_DELETED, caller.user.id, user.id)
        return answer_nothing()

    @routes.delete("/v1/users/<user_id>/sessions")
    def end_sessions(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        parts.sessions.end_all(user.id)
        parts.audit.record(Action.SESSIONS_ENDED, caller.user.id, user.id)
        return answer_nothing()

    @routes.delete("/v1/users/<user_id>/lock")
    def unlock(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        parts.accounts.unlock(user)
        parts.audit.record(Action.USER_UNLOCKED, caller.user.id, user.id)
        return answer_nothing()

    return routes


def audit_routes(parts: Parts) -> flask.Blueprint:
    """Return the route of the audit log."""
    routes = flask.Blueprint("audit", __name__)

    @routes.get("/v1/audit")
    def index() -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        limit = _read_number("limit", 20, _MOST)
        page = parts.audit.page(_read_number("cursor", _NEWEST, _NEWEST), limit)
        cursor = str(page[-1].id) if len(page) == limit else None
        return answer_items([EntryView.of(entry) for entry in page], cursor)

    return routes


def _show(parts: Parts, user_id: str) -> flask.Response:
    account = parts.users.get(user_id)
    locked = int(parts.accounts.seconds_locked(account.user))
    return answer(UserView.of(account, locked or None))


def _change_role(parts: Parts, caller: Caller, user: User, role: Role) -> None:
    """Tokens that still name the old role end with their sessions."""
    parts.users.set_role(user.id, role)
    parts.sessions.end_all(user.id, but=caller.session_id or "")
    parts.audit.record(Action.ROLE_CHANGED, caller.user.id, user.id)


def _disable(parts: Parts, caller: Caller, user: User, *, disabled: bool) -> None:
    if disabled:
        parts.users.disable(user.id)
        parts.sessions.end_all(user.id)
        parts.audit.record(Action.USER_DISABLED, caller.user.id, user.id)
    else:
        parts.users.enable(user.id)
        parts.audit.record(Action.USER_ENABLED, caller.user.id, user.id)


def _read_number(name: str, default: int, largest: int) -> int:
    text = flask.request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= largest):
        raise malformed(f"{name} is a number from 1 to {largest}.")
    return int(text)
