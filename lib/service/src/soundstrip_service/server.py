"""The HTTP server of a service: gunicorn with threads, in one worker process."""

import os
import signal
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from soundstrip_service.bodies import guard_bodies
from soundstrip_service.pace import Pace, PacedSocket
from soundstrip_service.structs import prepare_structs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

KEEPALIVE_SECONDS = 75
"""Longer than the idle time of common proxies and client pools, so that they close first."""

MAX_REQUEST_LINE = 4094
"""Bytes; gunicorn takes at most 8190."""

_HUNG_SECONDS = 60
"""After so long without a turn of its main loop a worker counts as hung, and is replaced."""

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - gunicorn makes its heartbeat file there unguessably


def serve(
    app: flask.Flask,
    *,
    host: str,
    port: int,
    threads: int,
    timeout_seconds: int,
    workers: int = 1,
    max_request_line: int = MAX_REQUEST_LINE,
    pace: Pace = Pace(),  # noqa: B008 - frozen
    background: Sequence[Callable[[threading.Event], None]] = (),
) -> NoReturn:
    """Serve the app until SIGTERM or SIGINT, then finish the requests under way and exit.

    Bodies are handed to the app as they arrive: nothing is buffered, in memory or on disk; one
    that breaks off raises ClientDisconnected (400) in the app, one whose sender falls silent or is
    too slow SlowClient (408). A request may otherwise take as long as it likes, for the worker's
    heartbeat comes from its main loop and not from the threads that serve requests. The worker
    process is forked: the app must not have open connections or running threads yet.

    Args:
        app: The app, built but not connected to anything.
        host: The address to listen on.
        port: The port to listen on.
        threads: How many requests are served at once in each worker process.
        timeout_seconds: A client that sends or takes no byte for this long is given up; requests
            under way at SIGTERM have as long.
        workers: Processes; more than one only for an app whose processes need share nothing.
        max_request_line: The longest request line in bytes, at most 8190.
        pace: The slowest that a client may be that does send or take bytes.
        background: What each worker process does beside, in a thread each, until its event is set.
    """
    options = _options(
        bind=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        threads=threads,
        timeout_seconds=timeout_seconds,
        workers=workers,
        max_request_line=max_request_line,
        pace=pace,
        background=background,
    )
    prepare_structs()
    _Application(guard_bodies(app), options).run()
    sys.exit(0)


def _options(
    *,
    bind: str,
    threads: int,
    timeout_seconds: int,
    workers: int,
    max_request_line: int,
    pace: Pace,
    background: Sequence[Callable[[threading.Event], None]],
) -> dict[str, Any]:
    return {
        "bind": bind,
        "worker_class": type("_PacedWorker", (_Worker,), {"pace": pace}),
        "workers": workers,
        "threads": threads,
        "timeout": _HUNG_SECONDS,
        "graceful_timeout": timeout_seconds,
        "keepalive": KEEPALIVE_SECONDS,
        "limit_request_line": max_request_line,
        "worker_tmp_dir": _heartbeat_directory(),
        "control_socket_disable": True,
        "logger_class": _Logger,
        "when_ready": partial(_limit_silence, timeout_seconds),
        "post_worker_init": partial(_begin_work, background),
    }


def _heartbeat_directory() -> str:
    """Return a directory for gunicorn's heartbeat file, also where the root is read-only."""
    writable = Path(_SHARED_MEMORY).is_dir() and os.access(_SHARED_MEMORY, os.W_OK)
    return _SHARED_MEMORY if writable else tempfile.gettempdir()


def _limit_silence(seconds: int, arbiter: Any) -> None:  # noqa: ANN401 - gunicorn is untyped
    """Bound every recv and send of a blocking connection; accepted sockets inherit it.

    Without it a silent client holds a thread for ever: gthread's connections have no time-out.
    """
    limit = struct.pack("ll", seconds, 0)
    for listener in arbiter.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)


def _leave_interrupts_to_the_master(_worker: Any) -> None:  # noqa: ANN401 - gunicorn is untyped
    """Ignore the terminal's Ctrl-C, which reaches the whole group: the master ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _begin_work(background: Sequence[Callable[[threading.Event], None]], worker: Any) -> None:  # noqa: ANN401 - gunicorn is untyped
    _leave_interrupts_to_the_master(worker)
    worker.background_ends = threading.Event()
    for work in background:
        threading.Thread(target=work, args=(worker.background_ends,), daemon=True).start()


class _Arbiter(Arbiter):  # type: ignore[misc]  # gunicorn is untyped
    """Ends as gracefully on SIGINT as on SIGTERM; a second SIGINT makes it quick."""

    handle_int = Arbiter.handle_term


class _Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn is untyped
    """Gives up slow clients, and refuses connections that come after SIGTERM.

    gthread waits for a client's bytes in a thread, however slowly they come, and lets late
    connections wait in vain.
    """

    pace = Pace()
    background_ends: threading.Event

    def handle(self, conn: Any) -> Any:  # noqa: ANN401 - gunicorn is untyped
        if not isinstance(conn.sock, PacedSocket):
            conn.sock = PacedSocket(conn.sock, self.pace)
        conn.sock.expect_header()
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:  # noqa: ANN401 - gunicorn is untyped
        conn.sock.end_header()
        return super().handle_request(req, conn)

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001 - gunicorn's signature
        super().set_accept_enabled(enabled)
        if not self.alive:
            self.background_ends.set()
            for listener in self.sockets:
                listener.close()


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """An app that is already built, with options that are already known."""

    def __init__(self, app: "WSGIApplication", options: dict[str, Any]) -> None:
        self._app = app
        self._options = options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        return self._app

    def run(self) -> None:
        _Arbiter(self).run()


class _Logger(Logger):  # type: ignore[misc]  # gunicorn is untyped
    """Hands gunicorn's messages to the root logger; the access log is the app's own."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn is untyped
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True

    def access(self, *_: object) -> None:
        """Write nothing: `install_problems` writes the line."""
