"""The Flask application: routes, errors as problems, health."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import flask
import structlog

from soundstrip_auth.accounts import Busy, PasswordWrong
from soundstrip_auth.api_keys import KeyRefused, TooManyKeys
from soundstrip_auth.callers import BEARER_REFUSED, unauthorized
from soundstrip_auth.database import DatabaseUnavailable
from soundstrip_auth.document import ABOUT
from soundstrip_auth.guard import TooManyAttempts
from soundstrip_auth.ids import install_ids
from soundstrip_auth.invitations import InvitationUnknown
from soundstrip_auth.metering import build_meter
from soundstrip_auth.origin import Network, trust_proxies
from soundstrip_auth.parts import Parts
from soundstrip_auth.problems import (
    conflict,
    forbidden,
    not_found,
    too_many,
    unavailable,
    unprocessable,
)
from soundstrip_auth.routes.api_keys import api_key_routes
from soundstrip_auth.routes.legacy import legacy_routes
from soundstrip_auth.routes.passwords import password_routes
from soundstrip_auth.routes.registrations import registration_routes
from soundstrip_auth.routes.sessions import session_routes
from soundstrip_auth.routes.users import audit_routes, user_routes
from soundstrip_auth.sessions import SessionEnded
from soundstrip_auth.users import LastAdmin, UserExists, UserRefused, UserUnknown
from soundstrip_auth.vouchers import VoucherRefused
from soundstrip_service.browsers import install_cors
from soundstrip_service.document import document_routes
from soundstrip_service.headers import install_headers
from soundstrip_service.health import health_blueprint
from soundstrip_service.metering import install_metering
from soundstrip_service.openapi import About
from soundstrip_service.problems import Problem, answer_problem, install_problems

_MAX_BODY = 65536

log = structlog.get_logger("soundstrip.auth")


def create_app(
    parts: Parts,
    trusted_proxies: Sequence[Network] = (),
    about: About = ABOUT,
    origins: frozenset[str] = frozenset(),
    hsts_seconds: int = 0,
) -> flask.Flask:
    """Return the app; nothing is connected to before the first request.

    Args:
        parts: What the routes work with.
        trusted_proxies: Where X-Forwarded-For is believed.
        about: What the description says of the whole.
        origins: Whose pages may use the API; `*` for all.
        hsts_seconds: How long browsers are to stay with https; 0: nothing is said.
    """
    app = flask.Flask("soundstrip_auth", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    trust_proxies(app, trusted_proxies)
    install_problems(app)
    install_headers(app, hsts_seconds)
    install_cors(app, origins)
    install_ids(app)
    _hold_for_each_request(app, parts)
    install_metering(app, build_meter(parts))
    _install_refusals(app)
    app.register_blueprint(health_blueprint({"mysql": parts.health}))
    app.register_blueprint(document_routes(about))
    for make in (
        legacy_routes,
        session_routes,
        password_routes,
        registration_routes,
        api_key_routes,
        user_routes,
        audit_routes,
    ):
        app.register_blueprint(make(parts))
    return app


def _hold_for_each_request(app: flask.Flask, parts: Parts) -> None:
    def begin() -> None:
        flask.g.held = ExitStack()
        flask.g.held.enter_context(parts.hold())

    def end(_error: BaseException | None) -> None:
        if "held" in flask.g:
            flask.g.held.close()

    app.before_request(begin)
    app.teardown_request(end)


def _install_refusals(app: flask.Flask) -> None:
    """Say once which answer each error of the rooms below becomes."""
    refusals: dict[type[Exception], Callable[[str], Problem]] = {
        UserRefused: unprocessable,
        VoucherRefused: unprocessable,
        UserExists: lambda detail: conflict(detail, "user-exists"),
        LastAdmin: lambda detail: conflict(detail, "last-admin"),
        TooManyKeys: lambda detail: conflict(detail, "too-many-api-keys"),
        UserUnknown: not_found,
        InvitationUnknown: not_found,
        PasswordWrong: lambda detail: forbidden(detail, "wrong-password"),
        SessionEnded: lambda detail: unauthorized(detail, BEARER_REFUSED),
        KeyRefused: lambda detail: unauthorized(detail, BEARER_REFUSED),
    }
    for kind, refuse in refusals.items():
        app.register_error_handler(kind, _answer_with(refuse))
    app.register_error_handler(DatabaseUnavailable, _answer_unavailable)
    app.register_error_handler(Busy, _answer_busy)
    app.register_error_handler(TooManyAttempts, _answer_guessing)


def _answer_with(refuse: Callable[[str], Problem]) -> Callable[[Exception], flask.Response]:
    return lambda error: answer_problem(refuse(str(error)))


def _answer_unavailable(error: DatabaseUnavailable) -> flask.Response:
    log.warning("MySQL is away", reason=str(error))
    detail = "The users' database does not answer; try again soon."
    return answer_problem(unavailable(detail, seconds=5))


def _answer_busy(_error: Busy) -> flask.Response:
    return answer_problem(unavailable("Too many people log in at once; try again.", seconds=1))


def _answer_guessing(error: TooManyAttempts) -> flask.Response:
    log.info("login not tried", seconds=error.seconds)
    return answer_problem(too_many(str(error), error.seconds))
