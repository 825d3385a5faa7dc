"""Where a long encode is cut into segments that several processes make at once.

All numbers are frames of the whole file, unless they are called samples. LAME has a memory of
the frames before: segments begin earlier than they are needed, and end later, so that neighbours
can be compared where they overlap.
"""

import msgspec

from soundstrip_worker.mp3.frames import RATES, frame_samples

WARM_UP = 98
"""Frames after which LAME has forgotten where it began.

Its longest memory is the adjustment of the threshold of hearing, which sinks by a factor of
0.92505 a frame at most, from 1 to 0.000625: 95 frames (adjust_ATH in LAME 3.100's encoder.c).
"""

OVERLAP = 147
"""Frames that both neighbours make, after the warm-up."""

TAIL = 3
"""Frames at the end of a segment that are not like those of a longer one: LAME looks ahead, by
1,376 samples at most in MPEG 1 and by 800 in MPEG 2."""

GRID = 49
"""Segments begin at multiples of this: where the rate is a multiple of 11,025 Hz, LAME pads frames
of a constant bit rate in a pattern that repeats so (72,000 bit rates over the sample rate)."""

SHORTEST_SECONDS = 30
"""A segment shorter than this would be warm-up for too great a part."""

SHARES, SHARES_OF_FAST = (0.12, 0.02), (0.3, 0.05)
"""Time that it takes to read and decode a second of audio, or only to read it, over the time to
encode it: measured with AAC in an MP4, for ten minutes at 192k 0.7 and 0.12 s of a core, and 5.9 s,
or 2.4 s for `fast`."""

_SHORTEST_FRAMES = 3 * (WARM_UP + OVERLAP)


class Segment(msgspec.Struct, frozen=True):
    """The frames that one process makes, from `start` to before `end`; the last has no end.

    Wanted are those from `cut` on, to the next segment's cut.
    """

    start: int
    cut: int
    end: int | None

    @property
    def warm_up(self) -> int:
        """Frames that are made only for LAME to remember."""
        return self.cut - self.start


class Span(msgspec.Struct, frozen=True):
    """Samples of the filtered audio, at the rate of the result; without an end, to its end."""

    start: int
    end: int | None


class Extent(msgspec.Struct, frozen=True):
    """Audio that is long enough to be cut: about how long, and the sample rate of the result."""

    seconds: float
    rate: int
    decoding_share: float = SHARES[0]
    leaps: bool = False
    """What comes before a segment is read, and not decoded."""


def measure(seconds: float | None, rate: int | None) -> Extent | None:
    """Return the extent; None for what is never cut, however many cores there are."""
    if not seconds or seconds < 2 * SHORTEST_SECONDS or rate not in RATES:
        return None
    return Extent(seconds, rate)


def samples_of(segment: Segment, rate: int) -> Span:
    """Return the samples that a segment is made of."""
    size = frame_samples(rate)
    return Span(segment.start * size, None if segment.end is None else segment.end * size)


def plan_segments(extent: Extent, cores: int) -> tuple[Segment, ...]:
    """Cut audio for that many processes; one segment is no cut.

    Each decodes the source from its start, or reads it, so later ones have more to do. They end
    together if each cut stands at (1 - q^k) / (1 - q^n) of the whole, with
    q = 1 / (1 + decoding share).
    """
    total = int(extent.seconds * extent.rate) // frame_samples(extent.rate)
    count = max(1, min(cores, int(extent.seconds) // SHORTEST_SECONDS, total // _SHORTEST_FRAMES))
    q = 1 / (1 + extent.decoding_share)
    while count > 1 and total - _cut(total, count - 1, count, q) < _SHORTEST_FRAMES:
        count -= 1
    cuts = [_cut(total, number, count, q) for number in range(count)]
    ends = [*(cut + OVERLAP + TAIL for cut in cuts[1:]), None]
    return tuple(
        Segment(max(0, cut - WARM_UP), cut, end) for cut, end in zip(cuts, ends, strict=True)
    )


def _cut(total: int, number: int, count: int, q: float) -> int:
    return round(total * (1 - q**number) / (1 - q**count) / GRID) * GRID
