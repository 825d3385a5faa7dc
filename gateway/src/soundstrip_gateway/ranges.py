"""Which bytes of a file a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_SINGLE_RANGE = re.compile(r"bytes=\s*(\d*)-(\d*)\s*", re.ASCII | re.IGNORECASE)
_LONGEST_NUMBER = 18


@dataclass(frozen=True)
class Whole:
    """All of it."""


@dataclass(frozen=True)
class Part:
    """Bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int


@dataclass(frozen=True)
class Unsatisfiable:
    """The range begins behind the end."""


Span = Whole | Part | Unsatisfiable


def choose_span(range_header: str | None, if_range: str | None, etag: str, size: int) -> Span:
    """Return what to send of a file of `size` bytes.

    Only a single range is honoured; several, or none that can be read, mean the whole file, as
    does an If-Range that is not the file's ETag.
    """
    match = _SINGLE_RANGE.fullmatch(range_header or "")
    if match is None or (if_range is not None and if_range.strip() != etag):
        return Whole()
    first, last = match.groups()
    if max(len(first), len(last)) > _LONGEST_NUMBER:
        return Whole()
    return _choose_tail(last, size) if not first else _choose_part(int(first), last, size)


def _choose_tail(length: str, size: int) -> Span:
    if not length:
        return Whole()
    wanted = min(int(length), size)
    return Part(size - wanted, size) if wanted else Unsatisfiable()


def _choose_part(start: int, last: str, size: int) -> Span:
    if last and int(last) < start:
        return Whole()
    if start >= size:
        return Unsatisfiable()
    return Part(start, min(int(last) + 1, size) if last else size)
