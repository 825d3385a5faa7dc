"""Which bytes of a source are here, and whether they are those that FFmpeg takes the audio from."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from soundstrip_media.ranges import Range

_NOWHERE = Range(0, 0)


def encode_ranges(ranges: Sequence[Range]) -> bytes:
    """Write ranges as JSON: pairs of start and stop."""
    return msgspec.json.encode([(each.start, each.stop) for each in ranges])


def decode_ranges(content: bytes) -> tuple[Range, ...]:
    """Read what `encode_ranges` wrote."""
    pairs = msgspec.json.decode(content, type=list[tuple[int, int]])
    return tuple(Range(start, stop) for start, stop in pairs)


class Coverage:
    """Whether all packets of a stream lie in the ranges, which are sorted, with gaps between.

    It takes ffprobe's list in pieces: a line for each packet with its stream, size and position,
    then whatever else. A list of none, or one with a packet of unknown place, proves nothing.
    """

    def __init__(self, ranges: Sequence[Range], stream: int) -> None:
        self._ranges = ranges
        self._starts = [each.start for each in ranges]
        self._stream = stream
        self._here = ranges[0] if ranges else _NOWHERE
        self._rest = b""
        self._is_any = False
        self._holds = bool(ranges)

    def take(self, data: bytes) -> None:
        """Take what comes next of the list."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._look_at(lines)

    def holds(self) -> bool:
        """Return the answer, at the list's end."""
        self._look_at([self._rest])
        return self._holds and self._is_any

    def _look_at(self, lines: Sequence[bytes]) -> None:
        try:
            self._holds = self._holds and self._are_inside(_read_packets(lines, self._stream))
        except ValueError:
            self._holds = False

    def _are_inside(self, packets: Iterable[tuple[int, int]]) -> bool:
        """Most packets lie in the range of the one before, which saves half of the time."""
        here = self._here
        for start, stop in packets:
            if not here.start <= start < here.stop:
                here = self._ranges[bisect_right(self._starts, start) - 1]
            if not here.start <= start <= stop <= here.stop:
                return False
            self._is_any = True
        self._here = here
        return True


def _read_packets(lines: Iterable[bytes], stream: int) -> Iterator[tuple[int, int]]:
    for line in lines:
        if line.strip():
            number, size, position = line.split(b",")[:3]
            if int(number) == stream:
                yield int(position), int(position) + int(size)
