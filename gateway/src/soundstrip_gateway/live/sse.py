"""Events as text/event-stream, by the WHATWG's HTML standard."""

from typing import assert_never

from soundstrip_gateway.live.backlog import Event, Ready, Reset, Told

ALIVE = b": alive\n\n"
STALE = b": stale: the Kubernetes API does not answer; what comes next may come late\n\n"
EXPIRED = b'event: expired\ndata: {"message": "The token has expired; log in again."}\n\n'

_RESET = b'event: reset\ndata: {"message": "What was deleted meanwhile is not known; list again."}'
_LAST_CHUNK = b"0\r\n\r\n"


def write_event(event: Event) -> bytes:
    """Return the event's text."""
    match event:
        case Told(mark, sight):
            kind = b"deleted" if sight.is_gone else b"conversion"
            return b"id: %d\nevent: %b\ndata: %b\n\n" % (mark, kind, sight.data)
        case Ready(mark):
            return b"id: %d\nevent: ready\ndata: {}\n\n" % mark
        case Reset():
            return _RESET + b"\n\n"
        case _:
            assert_never(event)


def write_retry(seconds: float) -> bytes:
    """Return the wish that the client wait so long before it comes back."""
    return b"retry: %d\n\n" % round(seconds * 1000)


def write_body(text: bytes, *, chunked: bool) -> bytes:
    """Return the text as a part of an HTTP body."""
    return b"%x\r\n%b\r\n" % (len(text), text) if chunked else text


def write_end(*, chunked: bool) -> bytes:
    """Return what ends the body, so that it can be told from one that broke off."""
    return _LAST_CHUNK if chunked else b""
