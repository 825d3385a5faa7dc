"""The routes that clients of the seed know, and the keys that tokens are checked with."""

from typing import Any

import flask

from soundstrip_auth.accounts import PasswordWrong
from soundstrip_auth.callers import BASIC, BEARER_REFUSED, read_bearer, unauthorized
from soundstrip_auth.parts import Parts
from soundstrip_auth.routes.sessions import log_in
from soundstrip_auth.tokens import LEGACY_LIFETIME, TokenRefused
from soundstrip_auth.views import KeySet, Token
from soundstrip_service.operations import Answer, Operation, answer_json, describe_route

LOGIN = Operation(
    "Log in for 24 hours", "legacy", {200: Answer("A token", Token)}, security=("basic",)
)
VALIDATE = Operation(
    "Check a token",
    "legacy",
    {200: Answer("What the token says", dict[str, Any])},
)
JWKS = Operation(
    "The keys that tokens are checked with",
    "service",
    {200: Answer("Public keys", KeySet)},
    security=(),
)


def legacy_routes(parts: Parts) -> flask.Blueprint:
    """Return /login, /validate and /.well-known/jwks.json."""
    routes = flask.Blueprint("legacy", __name__)

    @routes.post("/login")
    @describe_route(LOGIN)
    def login() -> flask.Response:
        try:
            user = log_in(parts, *_read_basic())
        except PasswordWrong as error:
            raise unauthorized(str(error), BASIC) from error
        return answer_json(Token(parts.tokens.issue(user, LEGACY_LIFETIME)))

    @routes.route("/validate", methods=["GET", "POST"])
    @describe_route(VALIDATE)
    def validate() -> flask.Response:
        try:
            return answer_json(parts.tokens.read(read_bearer()))
        except TokenRefused as error:
            raise unauthorized(str(error), BEARER_REFUSED) from error

    @routes.get("/.well-known/jwks.json")
    @describe_route(JWKS)
    def jwks() -> flask.Response:
        return answer_json(parts.tokens.jwks(), headers={"Cache-Control": "public, max-age=300"})

    return routes


def _read_basic() -> tuple[str, str]:
    given = flask.request.authorization
    if given is None or given.type != "basic" or not given.username:
        raise unauthorized("Send a user name and a password (Basic).", BASIC)
    return given.username, given.password or ""
