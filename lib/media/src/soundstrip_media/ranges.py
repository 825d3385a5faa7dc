"""Sets of byte ranges, in memory that is bounded whatever is added to them."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soundstrip_media.reading import NotUnderstood

_MOST_RANGES = 1 << 16
"""As many as a file of 16 GB can have in grains of 127 KiB; some megabytes of memory."""


@dataclass(frozen=True, order=True)
class Range:
    """The bytes from `start` up to, and without, `stop`."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many bytes that is."""
        return self.stop - self.start


class Coverage:
    """Collects ranges of a file, widened to whole grains."""

    def __init__(self, size: int, grain: int = 1) -> None:
        self._size = size
        self._grain = grain
        self._found: list[Range] = []
        self._start = self._stop = 0

    def add(self, start: int, stop: int) -> None:
        """Add the bytes from `start` up to `stop`.

        Raises:
            NotUnderstood: If they are not all in the file, or the ranges are too many.
        """
        if not 0 <= start <= stop <= self._size:
            raise NotUnderstood("it speaks of bytes that it does not have")
        if start == stop:
            return
        grain = self._grain
        start -= start % grain
        stop = min(-(-stop // grain) * grain, self._size)
        if self._start <= start <= self._stop:
            self._stop = max(self._stop, stop)
        else:
            self._close()
            self._start, self._stop = start, stop

    def ranges(self) -> tuple[Range, ...]:
        """Return what was added: sorted, and with a gap between any two."""
        self._close()
        self._found = merge(self._found)
        return tuple(self._found)

    def _close(self) -> None:
        if self._stop > self._start:
            self._found.append(Range(self._start, self._stop))
            self._start = self._stop = 0
        if len(self._found) >= 2 * _MOST_RANGES:
            self._found = merge(self._found)
            if len(self._found) > _MOST_RANGES:
                raise NotUnderstood("it is in too many pieces")


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Return the union of ranges: sorted, and with a gap between any two."""
    merged: list[Range] = []
    for each in sorted(ranges):
        if merged and each.start <= merged[-1].stop:
            merged[-1] = Range(merged[-1].start, max(merged[-1].stop, each.stop))
        else:
            merged.append(each)
    return merged


def subtract(ranges: Iterable[Range], holes: Sequence[Range]) -> list[Range]:
    """Return what is left of ranges; both are sorted, with gaps between."""
    left: list[Range] = []
    for each in ranges:
        start = each.start
        for hole in holes[bisect_right(holes, each.start, key=lambda h: h.stop) :]:
            if hole.start >= each.stop:
                break
            left += [Range(start, hole.start)] if start < hole.start else []
            start = hole.stop
        left += [Range(start, each.stop)] if start < each.stop else []
    return left
