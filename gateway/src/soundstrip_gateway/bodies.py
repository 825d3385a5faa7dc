"""Request bodies, block by block: never a whole one in memory, never a file beside it."""

import time
from collections.abc import Iterator

import structlog
from werkzeug.exceptions import ClientDisconnected

from soundstrip_gateway.refusals import malformed, timed_out, too_large
from soundstrip_service.bodies import GuardedBody, SlowClient, Stream, receive

BLOCK_BYTES = 254 * 1024
"""As two chunks have, so that a quick client's blocks are chunks as they come."""

_CUT_OFF = "The upload ended before it was complete."
_DRAIN_BYTES = 64 * 1024 * 1024
_DRAIN_STEP = 256 * 1024
_DRAIN_SECONDS = 10.0
_DRAIN_SILENCE_SECONDS = 2.0

log = structlog.get_logger("soundstrip.gateway")


def read_blocks(stream: Stream, content_length: int | None, limit: int) -> Iterator[bytes]:
    """Yield the body; too large a one is refused before a byte is read, if its length is known.

    Raises:
        Problem: 413 beyond `limit` bytes, 408 if the client stands still, 400 if it goes away.
    """
    if (content_length or 0) > limit:
        raise too_large(limit)
    total = 0
    while block := _read_block(stream):
        total += len(block)
        if total > limit:
            raise too_large(limit)
        yield block
    if total < (content_length or 0):
        raise malformed(_CUT_OFF)


def _read_block(stream: Stream) -> bytes:
    try:
        return receive(stream, BLOCK_BYTES)
    except SlowClient as error:
        raise timed_out() from error
    except (ClientDisconnected, OSError) as error:
        raise malformed(_CUT_OFF) from error


def drain(stream: Stream) -> None:
    """Read away what a client is still sending, after its answer went out.

    Closing a connection with unread bytes resets it, and the client might never see the answer.
    Bounded: whoever goes on for long in spite of the answer is cut off, and so is who stops.
    """
    deadline, total = time.monotonic() + _DRAIN_SECONDS, 0
    if isinstance(stream, GuardedBody):
        stream.bound_silence(_DRAIN_SILENCE_SECONDS)
    try:
        while total < _DRAIN_BYTES and time.monotonic() < deadline:
            block = stream.read(_DRAIN_STEP)
            if not block:
                return
            total += len(block)
    except (ClientDisconnected, OSError) as error:
        log.debug("the client went away after its answer", error=str(error))
