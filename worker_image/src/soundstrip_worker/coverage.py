"""Which bytes of a source are here, and whether they are those that FFmpeg takes the audio from."""

from bisect import bisect_right
from collections.abc import Sequence
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


def covers(ranges: Sequence[Range], packets: bytes) -> bool:
    """Tell whether all packets lie in the ranges, which are sorted, with gaps between.

    `packets` is ffprobe's list: a line for each with its size and position, then whatever else. A
    list of none, or one with a packet of unknown place, proves nothing.
    """
    starts = [each.start for each in ranges]
    lines = (line for line in BytesIO(packets) if line.strip())
    answers = [_is_inside(line, starts, ranges) for line in lines]
    return bool(answers) and all(answers)


def _is_inside(line: bytes, starts: Sequence[int], ranges: Sequence[Range]) -> bool:
    try:
        size, position = map(int, line.split(b",")[:2])
    except ValueError:
        return False
    at = bisect_right(starts, position) - 1
    return at >= 0 and size >= 0 and position + size <= ranges[at].stop
