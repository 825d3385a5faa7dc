"""The HTTP face of auth."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

import flask
import structlog

from soundstrip_auth.accounts import Accounts, Busy
from soundstrip_auth.database import DatabaseUnavailable
from soundstrip_auth.tokens import TokenKey, TokenRefused, make_claims
from soundstrip_service.headers import install_headers
from soundstrip_service.health import Check, health_blueprint
from soundstrip_service.problems import Problem, answer_problem, install_problems

_BASIC = {"WWW-Authenticate": 'Basic realm="soundstrip", charset="UTF-8"'}
_BEARER = {"WWW-Authenticate": 'Bearer realm="soundstrip"'}
_BEARER_REFUSED = {"WWW-Authenticate": 'Bearer realm="soundstrip", error="invalid_token"'}
_MAX_BODY = 65536

log = structlog.get_logger("soundstrip.auth")


def create_app(
    accounts: Accounts, key: TokenKey, mysql: Check, clock: Callable[[], datetime]
) -> flask.Flask:
    """Return the app: /login, /validate, /.well-known/jwks.json, /livez and /health."""
    app = flask.Flask("soundstrip_auth")
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    install_problems(app)
    install_headers(app)
    app.register_error_handler(DatabaseUnavailable, _answer_unavailable)
    app.register_error_handler(Busy, _answer_busy)
    app.register_blueprint(health_blueprint({"mysql": mysql}))
    app.register_blueprint(_create_routes(accounts, key, clock))
    return app


def _create_routes(
    accounts: Accounts, key: TokenKey, clock: Callable[[], datetime]
) -> flask.Blueprint:
    routes = flask.Blueprint("auth", __name__)

    @routes.post("/login")
    def login() -> flask.Response:
        user = accounts.log_in(*_read_basic())
        if user is None:
            log.info("login refused")
            raise _unauthorized("The user name or the password is wrong.", _BASIC)
        log.info("logged in", user=user.id)
        return _answer({"token": key.sign(make_claims(user, clock()))}, "no-store")

    @routes.route("/validate", methods=["GET", "POST"])
    def validate() -> flask.Response:
        try:
            return _answer(key.read(_read_bearer()), "no-store")
        except TokenRefused as error:
            raise _unauthorized(str(error), _BEARER_REFUSED) from error

    @routes.get("/.well-known/jwks.json")
    def jwks() -> flask.Response:
        return _answer(key.jwks(), "public, max-age=300")

    return routes


def _read_basic() -> tuple[str, str]:
    given = flask.request.authorization
    if given is None or given.type != "basic" or not given.username:
        raise _unauthorized("Send a user name and a password (Basic).", _BASIC)
    return given.username, given.password or ""


def _read_bearer() -> str:
    given = flask.request.authorization
    if given is None or given.type != "bearer" or not given.token:
        raise _unauthorized("Send a token (Bearer).", _BEARER)
    return given.token


def _unauthorized(detail: str, headers: dict[str, str]) -> Problem:
    status = HTTPStatus.UNAUTHORIZED
    return Problem(status, status.phrase, detail, slug="unauthorized", headers=headers)


def _answer(body: dict[str, object], cache_control: str) -> flask.Response:
    response = flask.jsonify(body)
    response.headers["Cache-Control"] = cache_control
    return response


def _answer_unavailable(error: DatabaseUnavailable) -> flask.Response:
    log.warning("MySQL is away", reason=str(error))
    return _answer_later("The users' database does not answer; try again soon.", seconds=5)


def _answer_busy(_error: Busy) -> flask.Response:
    return _answer_later("Too many people log in at once; try again.", seconds=1)


def _answer_later(detail: str, seconds: int) -> flask.Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": str(seconds)}
    return answer_problem(
        Problem(status, status.phrase, detail, slug="unavailable", headers=headers)
    )
