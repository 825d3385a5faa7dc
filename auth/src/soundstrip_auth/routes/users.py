"""What admins do with users, and what was done."""

from http import HTTPStatus

import flask

from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import AuditQuery, NewUser, UserChange, UserQuery, read_body
from soundstrip_auth.callers import Caller, identify_admin
from soundstrip_auth.ids import Id
from soundstrip_auth.parts import Parts
from soundstrip_auth.users import Role, User
from soundstrip_auth.views import Entries, EntryView, Users, UserView, answer_nothing
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_query,
)
from soundstrip_service.scopes import Scope

_ID = {"user_id": Id}

INDEX = Operation(
    "List the users", "users", {200: Answer("A page", Users)}, problems=(400,), query=UserQuery
)
CREATE = Operation(
    "Make a user",
    "users",
    {201: Answer("The user", UserView)},
    problems=(400, 409, 413, 415, 422),
    body=Body({"application/json": NewUser}),
)
SHOW = Operation(
    "Get a user", "users", {200: Answer("The user", UserView)}, problems=(404,), parts=_ID
)
CHANGE = Operation(
    "Give a user another role, or disable or enable them",
    "users",
    {200: Answer("The user, whose sessions have ended", UserView)},
    problems=(400, 404, 409, 413, 415, 422),
    body=Body({"application/json": UserChange}),
    parts=_ID,
)
DELETE = Operation(
    "Delete a user; conversions and files stay",
    "users",
    {204: Answer("Deleted")},
    problems=(404, 409),
    parts=_ID,
)
END_SESSIONS = Operation(
    "End a user's sessions", "users", {204: Answer("All have ended")}, problems=(404,), parts=_ID
)
UNLOCK = Operation(
    "Let a user who was guessed at log in at once",
    "users",
    {204: Answer("The next attempt need not wait")},
    problems=(404,),
    parts=_ID,
)
AUDIT = Operation(
    "Read the audit log",
    "users",
    {200: Answer("A page", Entries)},
    problems=(400,),
    query=AuditQuery,
)


def user_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes of users."""
    routes = flask.Blueprint("users", __name__)

    @routes.get("/v1/users")
    @describe_route(INDEX)
    def index() -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        wanted = read_query(UserQuery)
        page = parts.users.page(wanted.cursor, wanted.limit)
        cursor = page[-1].user.name if len(page) == wanted.limit else None
        return answer_json(Users([UserView.of(account) for account in page], cursor))

    @routes.post("/v1/users")
    @describe_route(CREATE)
    def create() -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        body = read_body(NewUser)
        user = parts.accounts.create(body.name, body.email, body.password, body.role)
        parts.audit.record(Action.USER_MADE, caller.user.id, user.id)
        return answer_json(UserView.of(parts.users.get(user.id)), HTTPStatus.CREATED)

    @routes.get("/v1/users/<id:user_id>")
    @describe_route(SHOW)
    def show(user_id: str) -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        return _show(parts, user_id)

    @routes.patch("/v1/users/<id:user_id>")
    @describe_route(CHANGE)
    def change(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        body = read_body(UserChange)
        if body.role is not None:
            _change_role(parts, caller, user, body.role)
        if body.disabled is not None:
            _disable(parts, caller, user, disabled=body.disabled)
        return _show(parts, user_id)

    @routes.delete("/v1/users/<id:user_id>")
    @describe_route(DELETE)
    def delete(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        parts.users.remove(user.id)
        parts.audit.record(Action.USER_DELETED, caller.user.id, user.id)
        return answer_nothing()

    @routes.delete("/v1/users/<id:user_id>/sessions")
    @describe_route(END_SESSIONS)
    def end_sessions(user_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        user = parts.users.get(user_id).user
        parts.sessions.end_all(user.id)
        parts.audit.record(Action.SESSIONS_ENDED, caller.user.id, user.id)
        return answer_nothing()

    @routes.delete("/v1/users/<id:user_id>/lock")
    @describe_route(UNLOCK)
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
    @describe_route(AUDIT)
    def index() -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        wanted = read_query(AuditQuery)
        page = parts.audit.page(wanted.cursor, wanted.limit)
        cursor = str(page[-1].id) if len(page) == wanted.limit else None
        return answer_json(Entries([EntryView.of(entry) for entry in page], cursor))

    return routes


def _show(parts: Parts, user_id: str) -> flask.Response:
    account = parts.users.get(user_id)
    locked = int(parts.accounts.seconds_locked(account.user))
    return answer_json(UserView.of(account, locked or None))


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
