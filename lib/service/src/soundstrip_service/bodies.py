"""Request bodies that break off are told apart from those that end."""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_BROKEN = "The request's body broke off before its end; send it again."
_SLOW = "The request's body stood still, or came too slowly; send it again."


class SlowClient(ClientDisconnected):
    """The client fell silent, or is slower than it may be."""

    code = HTTPStatus.REQUEST_TIMEOUT


class GuardedBody:
    """A `wsgi.input` that raises ClientDisconnected (400, 408) for every body that is not complete.

    gunicorn's own ends silently when the client leaves before Content-Length bytes, so that half
    an upload looks like a whole one, and shows time-outs and broken chunks as foreign errors.
    """

    def __init__(self, stream: Any, length: int | None) -> None:  # noqa: ANN401 - untyped gunicorn
        """Guard the stream of a body of this many bytes, or of one that is chunked."""
        self._stream = stream
        self._left = length

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
        environ["wsgi.input"] = GuardedBody(stream, int(length) if length else None)
        return app(environ, start)

    return guarded
