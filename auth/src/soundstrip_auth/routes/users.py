"""What admins do with users, and what was done."""

from collections.abc import Callable
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
    routes = flask.Blueprint("users", __name__, url_prefix="/v1/users")
    views, one = _Views(parts), "/<id:user_id>"
    routes.get("")(views.index)
    routes.post("")(views.create)
    routes.get(one)(views.show)
    routes.patch(one)(views.change)
    routes.delete(one)(views.delete)
    routes.delete(f"{one}/sessions")(views.end_sessions)
    routes.delete(f"{one}/lock")(views.unlock)
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


class _Views:
    """One method of one route each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(INDEX)
    def index(self) -> flask.Response:
        identify_admin(self._parts, Scope.ADMIN_READ)
        wanted = read_query(UserQuery)
        page = self._parts.users.page(wanted.cursor, wanted.limit)
        cursor = page[-1].user.name if len(page) == wanted.limit else None
        return answer_json(Users([UserView.of(account) for account in page], cursor))

    @describe_route(CREATE)
    def create(self) -> flask.Response:
        caller = self._identify()
        body = read_body(NewUser)
        user = self._parts.accounts.create(body.name, body.email, body.password, body.role)
        self._record(Action.USER_MADE, caller, user)
        return answer_json(UserView.of(self._parts.users.get(user.id)), HTTPStatus.CREATED)

    @describe_route(SHOW)
    def show(self, user_id: str) -> flask.Response:
        identify_admin(self._parts, Scope.ADMIN_READ)
        return self._show(user_id)

    @describe_route(CHANGE)
    def change(self, user_id: str) -> flask.Response:
        caller = self._identify()
        user = self._parts.users.get(user_id).user
        body = read_body(UserChange)
        if body.role is not None:
            self._change_role(caller, user, body.role)
        if body.disabled is not None:
            self._disable(caller, user, disabled=body.disabled)
        return self._show(user_id)

    @describe_route(DELETE)
    def delete(self, user_id: str) -> flask.Response:
        return self._do(Action.USER_DELETED, user_id, lambda u: self._parts.users.remove(u.id))

    @describe_route(END_SESSIONS)
    def end_sessions(self, user_id: str) -> flask.Response:
        return self._do(
            Action.SESSIONS_ENDED, user_id, lambda u: self._parts.sessions.end_all(u.id)
        )

    @describe_route(UNLOCK)
    def unlock(self, user_id: str) -> flask.Response:
        return self._do(Action.USER_UNLOCKED, user_id, self._parts.accounts.unlock)

    def _identify(self) -> Caller:
        return identify_admin(self._parts, Scope.ADMIN_WRITE)

    def _do(self, action: Action, user_id: str, act: Callable[[User], object]) -> flask.Response:
        caller = self._identify()
        user = self._parts.users.get(user_id).user
        act(user)
        self._record(action, caller, user)
        return answer_nothing()

    def _record(self, action: Action, caller: Caller, user: User) -> None:
        self._parts.audit.record(action, caller.user.id, user.id)

    def _show(self, user_id: str) -> flask.Response:
        account = self._parts.users.get(user_id)
        locked = int(self._parts.accounts.seconds_locked(account.user))
        return answer_json(UserView.of(account, locked or None))

    def _change_role(self, caller: Caller, user: User, role: Role) -> None:
        """Tokens that still name the old role end with their sessions."""
        self._parts.users.set_role(user.id, role)
        self._parts.sessions.end_all(user.id, but=caller.session_id or "")
        self._record(Action.ROLE_CHANGED, caller, user)

    def _disable(self, caller: Caller, user: User, *, disabled: bool) -> None:
        if disabled:
            self._parts.users.disable(user.id)
            self._parts.sessions.end_all(user.id)
            self._record(Action.USER_DISABLED, caller, user)
        else:
            self._parts.users.enable(user.id)
            self._record(Action.USER_ENABLED, caller, user)
