"""The gateway's side of the door: a ticket is shown, and a client's socket changes hands."""

import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import flask
import structlog
from werkzeug.http import http_date

from soundstrip_gateway.live.tickets import TICKET_LIMIT, Ticket, Verdict, encode_ticket

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_SECONDS = 2.0
_SOCKET = "gunicorn.socket"
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would wait for a buffer to fill
}

log = structlog.get_logger("soundstrip.gateway")


class EventsUnavailable(Exception):
    """The live process is away, or has nothing to tell yet: worth another try."""


class Booking:
    """A place for a stream, and the way to take it."""

    def __init__(self, door: socket.socket, verdict: Verdict, ticket: Ticket) -> None:
        self.verdict = verdict
        self._door = door
        self._ticket = ticket

    def hand_over(self) -> flask.Response:
        """Return the answer that takes the place, when it is sent, with the client's socket."""
        return _HandedOver(self._door.dup(), chunked=self._ticket.chunked)


class LiveDesk:
    """Knows where the live process is."""

    def __init__(self, path: str) -> None:
        """Take the path of its Unix socket; empty, if there is no live process here."""
        self._path = path

    @property
    def is_open(self) -> bool:
        """Whether there is meant to be a live process."""
        return bool(self._path)

    @contextmanager
    def book(self, ticket: Ticket) -> Iterator[Booking]:
        """Show a ticket, and lend the booking that comes of it.

        Raises:
            EventsUnavailable: If there is no verdict within two seconds.
        """
        if not self.is_open:
            raise EventsUnavailable("Live events are not set up here.")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
            door.settimeout(_SECONDS)
            yield Booking(door, _ask(door, self._path, ticket), ticket)

    def check(self) -> None:
        """Return if a stream could begin now.

        Raises:
            EventsUnavailable: If none could, for a reason that is not the caller's.
        """
        with self.book(Ticket(owner="")) as booking:
            if booking.verdict is Verdict.BLIND:
                raise EventsUnavailable("It has not heard from the Kubernetes API yet.")


def _ask(door: socket.socket, path: str, ticket: Ticket) -> Verdict:
    try:
        door.connect(path)
        door.send(encode_ticket(ticket))
        return Verdict(door.recv(TICKET_LIMIT).decode())
    except (OSError, ValueError) as error:
        raise EventsUnavailable(f"It does not answer ({type(error).__name__}).") from error


def can_hand_over(environ: "WSGIEnvironment") -> bool:
    """Say whether the request came over a connection that is its own, and HTTP/1."""
    return _SOCKET in environ and environ["SERVER_PROTOCOL"] in {"HTTP/1.0", "HTTP/1.1"}


class _HandedOver(flask.Response):
    """Sends its head and the client's socket to the live process, and leaves gunicorn an empty one.

    gunicorn then writes into a socket whose other end is closed, takes that for a client that left,
    and closes it: the thread is free, and the connection counts no more.
    """

    default_mimetype = "text/event-stream"

    def __init__(self, door: socket.socket, *, chunked: bool) -> None:
        super().__init__(iter(()), headers=_HEADERS)  # a list would bring a Content-Length
        self._door = door
        self._chunked = chunked
        self.call_on_close(door.close)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        head = self._write_head(environ)
        client = environ[_SOCKET]
        try:
            socket.send_fds(self._door, [head], [client.fileno()])
        except OSError as error:  # an empty stream it is then: the client comes back
            log.warning("a client was not handed over", cause=type(error).__name__)
        else:
            _sever(client)
        return super().__call__(environ, start_response)

    def _write_head(self, environ: "WSGIEnvironment") -> bytes:
        headers = [*self.get_wsgi_headers(environ), ("Date", http_date()), ("Connection", "close")]
        if self._chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        lines = [f"{environ['SERVER_PROTOCOL']} {self.status}", *(f"{k}: {v}" for k, v in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _sever(client: socket.socket) -> None:
    """Put a dead socket under the number of this one, which lives on in the other process."""
    dead, other = socket.socketpair()
    other.close()
    with dead:
        os.dup2(dead.fileno(), client.fileno(), inheritable=False)
