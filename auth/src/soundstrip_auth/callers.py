"""Who sent a request, and whether they may do what it asks for."""

from dataclasses import dataclass
from http import HTTPStatus

import flask

from soundstrip_auth.api_keys import KeyRefused
from soundstrip_auth.parts import Parts
from soundstrip_auth.problems import forbidden
from soundstrip_auth.store import Account
from soundstrip_auth.tokens import KEY_CLAIM, TokenRefused
from soundstrip_auth.users import User, UserUnknown, is_admin
from soundstrip_service.problems import Problem, make_problem
from soundstrip_service.scopes import ALL_SCOPES, Scope, is_api_key, parse_scopes

BASIC = {"WWW-Authenticate": 'Basic realm="soundstrip", charset="UTF-8"'}
BEARER = {"WWW-Authenticate": 'Bearer realm="soundstrip"'}
BEARER_REFUSED = {"WWW-Authenticate": 'Bearer realm="soundstrip", error="invalid_token"'}


@dataclass(frozen=True)
class Caller:
    """A user who asks, by a token of the session `session_id`, of /login, or of an API key."""

    user: User
    session_id: str | None
    scopes: frozenset[Scope]
    is_person: bool
    """Whether it is the user in person, and no script with a key."""


def identify_person(parts: Parts) -> Caller:
    """Return the user whose token the request carries: here none of an API key will do.

    Raises:
        Problem: 401 or 403.
        DatabaseUnavailable: If MySQL cannot be used.
    """
    caller = _identify(parts)
    if not caller.is_person:
        raise forbidden("An API key can't do this: log in, and send that token.")
    return caller


def identify_admin(parts: Parts, scope: Scope) -> Caller:
    """Return the admin whose token or API key the request carries, if it is for the scope.

    Raises:
        Problem: 401 or 403.
        DatabaseUnavailable: If MySQL cannot be used.
    """
    caller = _identify(parts)
    if not is_admin(caller.user.role):
        raise forbidden("Only admins may do this.")
    if scope not in caller.scopes:
        raise forbidden(f"The API key lacks the scope {scope.value}.")
    return caller


def read_bearer() -> str:
    """Return the request's bearer token, whatever it is worth."""
    given = flask.request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise unauthorized("Send a token (Bearer).", BEARER)
    return given.token


def unauthorized(detail: str, headers: dict[str, str]) -> Problem:
    """Who asks did not say, or could not prove, who they are."""
    return make_problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers)


def _identify(parts: Parts) -> Caller:
    token = read_bearer()
    try:
        return _use_key(parts, token) if is_api_key(token) else _use_token(parts, token)
    except (KeyRefused, TokenRefused, UserUnknown) as error:
        raise unauthorized(str(error), BEARER_REFUSED) from error


def _use_key(parts: Parts, key: str) -> Caller:
    api_key = parts.api_keys.use(key)
    account = find_enabled(parts, api_key.user_id)
    scopes = api_key.granted(admin=is_admin(account.user.role))
    return Caller(account.user, None, scopes, is_person=False)


def _use_token(parts: Parts, token: str) -> Caller:
    """What the token says of the user is old news: the role is looked up, and session or key."""
    claims = parts.tokens.read(token)
    account = find_enabled(parts, str(claims["sub"]))
    session_id = claims.get("sid")
    if session_id is not None and not parts.sessions.is_alive(account.user.id, session_id):
        raise TokenRefused("The session has ended; log in again.")
    key_id = claims.get(KEY_CLAIM)
    if key_id is not None and not parts.api_keys.holds(account.user.id, key_id):
        raise TokenRefused("The API key holds no more.")
    scope = claims.get("scope")
    scopes = ALL_SCOPES if scope is None else parse_scopes(str(scope))
    return Caller(account.user, session_id, scopes, is_person=scope is None)


def find_enabled(parts: Parts, user_id: str) -> Account:
    """Return the account, if its user may log in.

    Raises:
        UserUnknown: If there is none, or none that may.
    """
    account = parts.users.get(user_id)
    if not account.is_enabled:
        raise UserUnknown("The user is disabled.")
    return account
