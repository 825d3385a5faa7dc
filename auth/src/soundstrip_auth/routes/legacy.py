"""The routes that clients of the seed know, and the keys that tokens are checked with."""

import flask

from soundstrip_auth.accounts import PasswordWrong
from soundstrip_auth.callers import BASIC, BEARER_REFUSED, read_bearer, unauthorized
from soundstrip_auth.parts import Parts
from soundstrip_auth.routes.sessions import log_in
from soundstrip_auth.tokens import LEGACY_LIFETIME, TokenRefused


def legacy_routes(parts: Parts) -> flask.Blueprint:
    """Return /login, /validate and /.well-known/jwks.json."""
    routes = flask.Blueprint("legacy", __name__)

    @routes.post("/login")
    def login() -> flask.Response:
        try:
            user = log_in(parts, *_read_basic())
        except PasswordWrong as error:
            raise unauthorized(str(error), BASIC) from error
        return _answer({"token": parts.tokens.issue(user, LEGACY_LIFETIME)}, "no-store")

    @routes.route("/validate", methods=["GET", "POST"])
    def validate() -> flask.Response:
        try:
            return _answer(parts.tokens.read(read_bearer()), "no-store")
        except TokenRefused as error:
            raise unauthorized(str(error), BEARER_REFUSED) from error

    @routes.get("/.well-known/jwks.json")
    def jwks() -> flask.Response:
        return _answer(parts.tokens.jwks(), "public, max-age=300")

    return routes


def _read_basic() -> tuple[str, str]:
    given = flask.request.authorization
    if given is None or given.type != "basic" or not given.username:
        raise unauthorized("Send a user name and a password (Basic).", BASIC)
    return given.username, given.password or ""


def _answer(body: dict[str, object], cache_control: str) -> flask.Response:
    response = flask.jsonify(body)
    response.headers["Cache-Control"] = cache_control
    return response
