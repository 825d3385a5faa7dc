"""The Flask application: routes, errors as problems, health."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import flask
import structlog

from soundstrip_gateway.admin import admin_routes
from soundstrip_gateway.apiserver import ClusterUnavailable, ObjectChanged, ObjectRefused
from soundstrip_gateway.bodies import drain
from soundstrip_gateway.cookies import install_cookies
from soundstrip_gateway.forms import FormRefused
from soundstrip_gateway.keys import AuthUnavailable
from soundstrip_gateway.lanes import LanesTaken
from soundstrip_gateway.legacy import legacy_routes
from soundstrip_gateway.live.handover import EventsUnavailable
from soundstrip_gateway.live.routes import live_routes
from soundstrip_gateway.metering import build_meter
from soundstrip_gateway.paging import PageRefused
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import busy, malformed, unauthorized, unavailable, unprocessable
from soundstrip_gateway.resumable.routes import upload_routes
from soundstrip_gateway.session import session_routes
from soundstrip_gateway.tokens import TokenRefused
from soundstrip_gateway.v1 import v1_routes
from soundstrip_gateway.v1.links import following_routes
from soundstrip_gateway.wishes import WishRefused
from soundstrip_service.browsers import install_cors
from soundstrip_service.document import document_routes
from soundstrip_service.headers import install_headers
from soundstrip_service.health import health_blueprint
from soundstrip_service.metering import install_metering
from soundstrip_service.problems import Problem, answer_problem, install_problems
from soundstrip_storage.errors import StorageUnavailable

log = structlog.get_logger("soundstrip.gateway")


def create_app(parts: Parts) -> flask.Flask:
    """Return the application; nothing is connected to before the first request."""
    app = flask.Flask("soundstrip_gateway", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    install_problems(app)
    install_headers(app, parts.browsers.hsts_seconds)
    _install_refusals(app)
    install_cors(app, parts.browsers.origins)
    install_cookies(app, secure=parts.browsers.secure_cookies)
    install_metering(app, build_meter(parts.limiter, parts.rates, parts.tokens))
    app.after_request(_drain_after_errors)
    app.register_blueprint(legacy_routes(parts))
    app.register_blueprint(v1_routes(parts))
    app.register_blueprint(live_routes(parts))
    for routes in admin_routes(parts):
        app.register_blueprint(routes)
    app.register_blueprint(session_routes(parts.login, parts.tokens, parts.browsers))
    app.register_blueprint(following_routes(parts))
    app.register_blueprint(upload_routes(parts))
    app.register_blueprint(_health_routes(parts))
    app.register_blueprint(document_routes(parts.about, parts.addresses.base))
    return app


def _health_routes(parts: Parts) -> flask.Blueprint:
    return health_blueprint(
        {
            "mongodb": parts.library.check,
            "kubernetes": parts.cluster.check,
            "auth": parts.keys.check,
        },
        optional={"events": parts.live.check} if parts.live.is_open else {},
    )


def _install_refusals(app: flask.Flask) -> None:
    """Say once which answer each error of the rooms below becomes."""
    refusals: dict[type[Exception], Callable[[str], Problem]] = {
        FormRefused: malformed,
        EventsUnavailable: unavailable,
        PageRefused: unprocessable,
        LanesTaken: unavailable,
        ObjectChanged: lambda _: busy(),
        ObjectRefused: unprocessable,
        WishRefused: unprocessable,
        TokenRefused: lambda detail: unauthorized(detail, "Bearer"),
    }
    for kind, refuse in refusals.items():
        app.register_error_handler(kind, _answer_with(refuse))
    outages = {
        AuthUnavailable: "The auth service does not answer.",
        ClusterUnavailable: "The Kubernetes API does not answer.",
        StorageUnavailable: "The storage does not answer.",
    }
    for outage, sentence in outages.items():
        app.register_error_handler(outage, _answer_outage(sentence))


def _answer_with(refuse: Callable[[str], Problem]) -> Callable[[Exception], flask.Response]:
    return lambda error: answer_problem(refuse(str(error)))


def _answer_outage(sentence: str) -> Callable[[Exception], flask.Response]:
    def answer(error: Exception) -> flask.Response:
        log.warning("something needed is away", exc_info=error)
        return answer_problem(unavailable(sentence))

    return answer


def _drain_after_errors(answer: flask.Response) -> flask.Response:
    if answer.status_code >= HTTPStatus.BAD_REQUEST:
        answer.call_on_close(partial(drain, flask.request.environ["wsgi.input"]))
    return answer
