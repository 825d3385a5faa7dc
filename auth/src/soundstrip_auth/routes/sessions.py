"""Logging in and out, and access tokens for those who are logged in already."""

from http import HTTPStatus
from typing import assert_never

import flask

from soundstrip_auth.accounts import LoginImpossible, PasswordWrong
from soundstrip_auth.api_keys import KeyRefused
from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import ApiKeyGrant, Grant, NewSession, RefreshGrant, read_body
from soundstrip_auth.callers import BEARER, find_enabled, identify_person, unauthorized
from soundstrip_auth.ids import Id
from soundstrip_auth.origin import client_address, client_name
from soundstrip_auth.parts import Parts
from soundstrip_auth.problems import not_found
from soundstrip_auth.session_store import TokenReused
from soundstrip_auth.sessions import (
    RefreshToken,
    SessionEnded,
    new_refresh_token,
    parse_refresh_token,
)
from soundstrip_auth.tokens import KEY_CLAIM
from soundstrip_auth.users import User, UserUnknown, is_admin
from soundstrip_auth.views import GrantView, Sessions, SessionView, answer_nothing
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
)
from soundstrip_service.scopes import is_api_key, write_scopes

_CURRENT = "current"
_GONE = "Ended; access tokens of it go on until their end at the gateway"

CREATE = Operation(
    "Log in: begin a session",
    "sessions",
    {201: Answer("The session's first tokens", GrantView)},
    problems=(400, 401, 413, 415, 422),
    body=Body({"application/json": NewSession}),
    security=(),
)
EXCHANGE = Operation(
    "Get an access token for a refresh token or an API key",
    "sessions",
    {200: Answer("An access token; for a refresh token, the next one too", GrantView)},
    problems=(400, 401, 413, 415, 422),
    body=Body({"application/json": Grant}),
    security=(),
)
INDEX = Operation(
    "List your sessions",
    "sessions",
    {200: Answer("All of them", Sessions)},
)
DELETE = Operation(
    "End one of your sessions; `current` is this one: log out",
    "sessions",
    {204: Answer(_GONE)},
    problems=(404,),
    parts={"session_id": Id},
)
DELETE_ALL = Operation("End all of your sessions", "sessions", {204: Answer(_GONE)})


def session_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    routes = flask.Blueprint("sessions", __name__, url_prefix="/v1")
    views = _Views(parts)
    routes.post("/sessions")(views.create)
    routes.post("/token")(views.exchange)
    routes.get("/sessions")(views.index)
    routes.delete("/sessions/<id:session_id>")(views.delete)
    routes.delete("/sessions")(views.delete_all)
    return routes


def log_in(parts: Parts, login: str, password: str) -> User:
    """Return the user with this password; raises as `Accounts.log_in` does."""
    try:
        user = parts.accounts.log_in(login, password, client_address())
    except LoginImpossible:
        raise
    except PasswordWrong as error:
        parts.audit.record(Action.LOGIN_REFUSED, None, error.user_id)
        raise
    parts.audit.record(Action.LOGGED_IN, user.id, user.id)
    return user


class _Views:
    """One method of one route each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(CREATE)
    def create(self) -> flask.Response:
        body = read_body(NewSession)
        try:
            user = log_in(self._parts, body.login, body.password)
        except PasswordWrong as error:
            raise unauthorized(str(error), BEARER) from error
        token = new_refresh_token()
        session_id = self._parts.sessions.begin(user.id, token, client_name(), client_address())
        return answer_json(_grant(self._parts, user, session_id, token), HTTPStatus.CREATED)

    @describe_route(EXCHANGE)
    def exchange(self) -> flask.Response:
        body: Grant = read_body(Grant)  # type: ignore[arg-type]  # a union is no type to mypy
        match body:
            case RefreshGrant():
                return answer_json(_refresh(self._parts, parse_refresh_token(body.refresh_token)))
            case ApiKeyGrant():
                return answer_json(_use_key(self._parts, body.api_key))
            case _:
                assert_never(body)

    @describe_route(INDEX)
    def index(self) -> flask.Response:
        caller = identify_person(self._parts)
        sessions = self._parts.sessions.of(caller.user.id)
        views = [SessionView.of(session, caller.session_id) for session in sessions]
        return answer_json(Sessions(views))

    @describe_route(DELETE)
    def delete(self, session_id: str) -> flask.Response:
        caller = identify_person(self._parts)
        wanted = caller.session_id if session_id == _CURRENT else session_id
        if not wanted or not self._parts.sessions.end(caller.user.id, wanted):
            raise not_found("You have no session with this id.")
        self._parts.audit.record(Action.SESSION_ENDED, caller.user.id, wanted)
        return answer_nothing()

    @describe_route(DELETE_ALL)
    def delete_all(self) -> flask.Response:
        caller = identify_person(self._parts)
        self._parts.sessions.end_all(caller.user.id)
        self._parts.audit.record(Action.SESSIONS_ENDED, caller.user.id, caller.user.id)
        return answer_nothing()


def _refresh(parts: Parts, token: RefreshToken) -> GrantView:
    following = token.next()
    try:
        session = parts.sessions.turn(token, following, client_address())
    except TokenReused as error:
        session = error.session
        parts.audit.record(Action.REFRESH_TOKEN_REUSED, session.user_id, session.id)
        raise
    try:
        user = find_enabled(parts, session.user_id).user
    except UserUnknown as error:
        raise SessionEnded("The session has ended; log in again.") from error
    return _grant(parts, user, session.id, following)


def _grant(parts: Parts, user: User, session_id: str, token: RefreshToken) -> GrantView:
    lifetime = parts.lifetimes.access
    return GrantView(
        access_token=parts.tokens.issue(user, lifetime, sid=session_id),
        expires_in=int(lifetime.total_seconds()),
        refresh_token=token.write(),
        session_id=session_id,
    )


def _use_key(parts: Parts, key: str) -> GrantView:
    if not is_api_key(key):
        raise KeyRefused("This is no API key; look whether all of it was copied.")
    api_key = parts.api_keys.use(key)
    try:
        user = find_enabled(parts, api_key.user_id).user
    except UserUnknown as error:
        raise KeyRefused("The API key is none of this service's, or holds no more.") from error
    scopes = api_key.granted(admin=is_admin(user.role))
    lifetime = api_key.lifetime(parts.lifetimes.access, parts.clock())
    if lifetime.total_seconds() < 1:
        raise KeyRefused("The API key holds no more.")
    scope = write_scopes(scopes)
    return GrantView(
        access_token=parts.tokens.issue(user, lifetime, scope=scope, **{KEY_CLAIM: api_key.id}),
        expires_in=int(lifetime.total_seconds()),
        scope=scope,
    )
