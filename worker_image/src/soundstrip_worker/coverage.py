"""Which bytes of a source are here, and whether they are those that FFmpeg takes the audio from."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO

import msgspec

from soundstrip_media.ranges import Range

PACKETS_LIMIT = 1 << 25
"""Bytes of a packet list: of a day of AAC."""


def encode_ranges(ranges: Sequence[Range]) -> bytes:
    """Write ranges as JSON: pairs of start and stop."""
    return msgspec.json.encode([(each.start, each.stop) for each in ranges])


def decode_ranges(content: bytes) -> tuple[Range, ...]:
    """Read what `encode_ranges` wrote."""
    pairs = msgspec.json.decode(content, type=list[tuple[int, int]])
    return tuple(Range(start, stop) for start, stop in pairs)


def covers(ranges: Sequence[Range], packets: bytes, stream: int) -> bool:
    """Tell whether all packets of a stream lie in the ranges, which are sorted, with gaps between.

    `packets` is ffprobe's list: a line for each with its stream, size and position, then whatever
    else. A list of none, or one with a packet of unknown place, proves nothing.
    """
    try:
        return bool(ranges) and _are_inside(ranges, _read_packets(packets, stream))
    except ValueError:
        return False


def _read_packets(packets: bytes, stream: int) -> Iterator[tuple[int, int]]:
    for line in BytesIO(packets):
        if line.strip():
            number, size, position = line.split(b",")[:3]
            if int(number) == stream:
                yield int(position), int(position) + int(size)


def _are_inside(ranges: Sequence[Range], packets: Iterable[tuple[int, int]]) -> bool:
    """Most packets lie in the range of the one before, which saves half of the time."""
    starts = [each.start for each in ranges]
    here, is_any = ranges[0], False
    for start, stop in packets:
        if not here.start <= start < here.stop:
            here = ranges[bisect_right(starts, start) - 1]
        if not here.start <= start <= stop <= here.stop:
            return False
        is_any = True
    return is_any
