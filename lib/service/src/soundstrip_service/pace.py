"""How slow a client may be: a thread waits for it, and a trickle must not hold one for hours."""

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PIECE = 64 * 1024


@dataclass(frozen=True)
class Pace:
    """The slowest that a client may be.

    Only the time that is spent waiting for the client counts, not that of the app.
    """

    header_seconds: float = 15.0
    """For the request line and all headers, from their first byte."""
    bytes_per_second: int = 1024
    """Of a body or an answer, on the average; 0 for any."""
    grace_seconds: float = 30.0
    """How long one may be slower than that, at the beginning or after a pause."""


class TooSlow(TimeoutError):
    """The client sends or takes bytes more slowly than it may."""

    def __init__(self, how: str) -> None:
        super().__init__(errno.ECONNRESET, how)  # which gunicorn takes for a client that left


class Balance:
    """What a client has sent or taken, against the time that was waited for it."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._waited = 0.0
        self._bytes = 0

    def add(self, count: int, seconds: float) -> None:
        """Count bytes and the seconds in which they came.

        Raises:
            TooSlow: If the client is behind by more than the grace.
        """
        self._bytes += count
        self._waited += seconds
        rate = self._pace.bytes_per_second
        if rate and self._waited > self._pace.grace_seconds + self._bytes / rate:
            raise TooSlow(f"less than {rate} bytes a second")


class PacedSocket:
    """A blocking socket that raises TooSlow for clients that are; all else is the socket's own."""

    def __init__(
        self,
        sock: Any,  # noqa: ANN401 - a socket
        pace: Pace,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sock = sock
        self._pace = pace
        self._clock = clock
        self._header_deadline: float | None = None
        self._received, self._sent = Balance(pace), Balance(pace)

    def expect_header(self) -> None:
        """A request begins: its header has its time, and its body and answer a new balance."""
        self._header_deadline = self._clock() + self._pace.header_seconds
        self._received, self._sent = Balance(self._pace), Balance(self._pace)

    def end_header(self) -> None:
        """The header is complete; what comes is the body."""
        self._header_deadline = None
        self._sock.settimeout(None)

    def recv(self, size: int, *flags: int) -> bytes:
        """Return what has come, up to `size` bytes."""
        if self._header_deadline is not None:
            return self._receive_header(self._header_deadline, size, *flags)
        before = self._clock()
        data: bytes = self._sock.recv(size, *flags)
        self._received.add(len(data), self._clock() - before)
        return data

    def recv_into(self, buffer: Any, *options: int) -> int:  # noqa: ANN401 - any buffer
        """Put what has come into the buffer, and return how many bytes these are."""
        before = self._clock()
        count: int = self._sock.recv_into(buffer, *options)
        self._received.add(count, self._clock() - before)
        return count

    def _receive_header(self, deadline: float, size: int, *flags: int) -> bytes:
        left = deadline - self._clock()
        if left <= 0:
            raise TooSlow("the header was not complete in time")
        self._sock.settimeout(left)
        try:
            data: bytes = self._sock.recv(size, *flags)
        except TimeoutError as error:
            raise TooSlow("the header was not complete in time") from error
        return data

    def sendall(self, data: bytes) -> None:
        """Send all of it, piece by piece."""
        with memoryview(data) as view:
            for at in range(0, len(view), _PIECE):
                self._send_piece(view[at : at + _PIECE])

    def _send_piece(self, piece: memoryview) -> None:
        while piece:
            before = self._clock()
            count = self._sock.send(piece)
            self._sent.add(count, self._clock() - before)
            piece = piece[count:]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the socket has
        return getattr(self._sock, name)
