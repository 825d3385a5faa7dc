"""Request bodies that break off are told apart from those that end."""

import socket
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BROKEN = "The request's body broke off before its end; send it again."
_SLOW = "The request's body stood still, or came too slowly; send it again."


class SlowClient(ClientDisconnected):
    """The client fell silent, or is slower than it may be."""

    code = HTTPStatus.REQUEST_TIMEOUT


class Stream(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


def receive(stream: Stream, size: int) -> bytes:
    """Return what is there of a body, `size` bytes at most, by the shortest way there is."""
    return stream.receive(size) if isinstance(stream, GuardedBody) else stream.read(size)


class GuardedBody:
    """A `wsgi.input` that raises ClientDisconnected (400, 408) for every body that is not complete.

    gunicorn's own ends silently when the client leaves before Content-Length bytes, so that half
    an upload looks like a whole one, and shows time-outs and broken chunks as foreign errors.
    """

    def __init__(
        self,
        stream: Any,  # noqa: ANN401 - untyped gunicorn
        length: int | None,
        connection: socket.socket | None = None,
    ) -> None:
        """Guard the stream of a body of this many bytes, or of one that is chunked.

        Where gunicorn's reader takes a body from a connection by its length, so does `receive`.
        """
        self._stream = stream
        self._left = length
        is_plain = isinstance(getattr(stream, "reader", None), LengthReader)
        self._connection = connection if is_plain else None
        self._socket = connection

    def receive(self, size: int) -> bytes:
        """Return what is there of the body, `size` bytes at most; none only at its end.

        Straight from the connection if that can be: gunicorn's own way copies each byte four
        times, and reserves a megabyte for each reader.

        Raises:
            SlowClient: If the client is silent or too slow.
            ClientDisconnected: If the body breaks off.
        """
        if self._connection is None or self._stream.buf.tell():
            return self.read(size)
        reader = self._stream.reader
        data = self._take(self._connection, reader, min(size, reader.length))
        reader.length -= len(data)
        self._count(data, ended=not data)
        return data

    def bound_silence(self, seconds: float) -> None:
        """Wait no longer than this for the client's next bytes, for the rest of the request."""
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def _take(self, connection: socket.socket, reader: LengthReader, size: int) -> bytes:
        held = reader.unreader.buf.getbuffer().nbytes
        if held or not size:
            data: bytes = reader.unreader.read(min(size, held))
            return data
        try:
            return self._attempt(connection.recv, size)
        except ClientDisconnected:
            self._stream.failed = True
            raise

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or all that are left when it is negative; less only at the end."""
        data = self._attempt(self._stream.read, size)
        self._count(data, ended=size < 0 or len(data) < size)
        return data

    def readline(self, size: int = -1) -> bytes:
        """Return the next line, its end included, or its first `size` bytes."""
        data = self._attempt(self._stream.readline, size)
        self._count(data, ended=not data and size != 0)
        return data

    def readlines(self, _hint: int = -1) -> list[bytes]:
        """Return all lines that are left."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _attempt(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except (BlockingIOError, TimeoutError) as error:
            raise SlowClient(_SLOW) from error
        except (OSError, ParseException) as error:
            raise ClientDisconnected(_BROKEN) from error

    def _count(self, data: bytes, *, ended: bool) -> None:
        if self._left is None:
            return
        self._left -= len(data)
        if ended and self._left > 0:
            raise ClientDisconnected(_BROKEN)


def guard_bodies(app: "WSGIApplication") -> "WSGIApplication":
    """Return the app with a GuardedBody for each request's body."""

    def guarded(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        length = environ.get("CONTENT_LENGTH")
        stream = environ["wsgi.input"]
        connection = environ.get("gunicorn.socket")
        environ["wsgi.input"] = GuardedBody(stream, int(length) if length else None, connection)
        return app(environ, start)

    return guarded
