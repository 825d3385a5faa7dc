"""Liveness and readiness: `/livez` asks nobody, `/health` asks all that the service needs."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Set
from concurrent.futures import Future
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import flask
import msgspec
import structlog

from soundstrip_service.operations import Answer, Operation, describe_route
from soundstrip_service.redaction import redact_text

Check = Callable[[], None]
"""Returns when the thing is there; raises with a sentence for a person when it is missing."""

CHECK_SECONDS = 3.0
"""How long `/health` waits for its checks, all together."""

_CLIENT_SECONDS = 5

log = structlog.get_logger("soundstrip.health")


class Health(msgspec.Struct, omit_defaults=True):
    """How it is; `missing` says of each thing that is needed and not there, why.

    `limited` says it of each without which only a part can't be served.
    """

    status: str
    missing: dict[str, str] = {}
    limited: dict[str, str] = {}


class Probe:
    """One check that runs at most once at a time, however many ask and however long it hangs."""

    def __init__(self, name: str, check: Check) -> None:
        """Name the check as `/health` will report it."""
        self._name = name
        self._check = check
        self._lock = threading.Lock()
        self._running: Future[None] | None = None

    def start(self) -> Future[None]:
        """Return the run that is under way, or begin one."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                run = threading.Thread(target=self._run, args=(self._running,), daemon=True)
                run.start()
            return self._running

    def _run(self, outcome: Future[None]) -> None:
        try:
            self._check()
        except Exception as error:
            log.warning("health check failed", check=self._name, reason=_sentence(error))
            log.debug("health check failed", check=self._name, exc_info=error)
            outcome.set_exception(error)
        else:
            outcome.set_result(None)


def find_missing(probes: Mapping[str, Probe], seconds: float = CHECK_SECONDS) -> dict[str, str]:
    """Run the checks side by side and return what is missing, with a sentence for each."""
    deadline = time.monotonic() + seconds
    runs = {name: probe.start() for name, probe in probes.items()}
    found = {name: _complaint(run, deadline - time.monotonic()) for name, run in runs.items()}
    return {name: complaint for name, complaint in found.items() if complaint is not None}


def health_blueprint(
    checks: Mapping[str, Check], optional: Mapping[str, Check] | None = None
) -> flask.Blueprint:
    """Return `/livez` (always 200) and `/health` (200, or 503 with what is missing).

    What is `optional` is told as `limited` when it is missing, and the answer is 200 all the same.
    """
    probes = {name: Probe(name, check) for name, check in {**checks, **(optional or {})}.items()}
    blueprint = flask.Blueprint("health", __name__)

    @blueprint.get("/livez")
    @describe_route(
        Operation("Whether it lives", "service", {200: Answer("It does", Health)}, security=())
    )
    def livez() -> flask.Response:
        return _respond(HTTPStatus.OK, {"status": "ok"})

    @blueprint.get("/health")
    @describe_route(
        Operation(
            "Whether it can serve",
            "service",
            {200: Answer("It can", Health), 503: Answer("Something is missing", Health)},
            security=(),
        )
    )
    def health() -> flask.Response:
        return _respond(*_judge(find_missing(probes), frozenset(optional or {})))

    return blueprint


@contextmanager
def serve_health(port: int, checks: Mapping[str, Check], host: str = "") -> Iterator[int]:
    """Answer `/livez` and `/health` from a thread, for a service that has no HTTP of its own.

    Yields the port that is served, which tells port 0 which one it got.
    """
    probes = {name: Probe(name, check) for name, check in checks.items()}
    server = ThreadingHTTPServer((host, port), _handler(probes))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _handler(probes: Mapping[str, Probe]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _CLIENT_SECONDS

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/livez":
                    self._answer(HTTPStatus.OK, {"status": "ok"})
                case "/health":
                    self._answer(*_judge(find_missing(probes)))
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, {"status": "not found"})

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
            log.debug("health request", line=format % args)

        def _answer(self, status: HTTPStatus, body: Mapping[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _judge(
    missing: Mapping[str, str], optional: Set[str] = frozenset()
) -> tuple[HTTPStatus, dict[str, object]]:
    limited = {name: why for name, why in missing.items() if name in optional}
    needed = {name: why for name, why in missing.items() if name not in optional}
    body: dict[str, object] = {"status": "unavailable" if needed else "ok"}
    body |= {"missing": needed} if needed else {}
    body |= {"limited": limited} if limited else {}
    return HTTPStatus.SERVICE_UNAVAILABLE if needed else HTTPStatus.OK, body


def _complaint(run: "Future[None]", seconds: float) -> str | None:
    try:
        error = run.exception(timeout=max(seconds, 0))
    except TimeoutError:
        return "It did not answer in time."
    return None if error is None else _sentence(error)


def _sentence(error: BaseException) -> str:
    return redact_text(str(error) or type(error).__name__)


def _respond(status: HTTPStatus, body: Mapping[str, object]) -> flask.Response:
    response = flask.jsonify(body)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
