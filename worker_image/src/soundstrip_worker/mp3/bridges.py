"""Segments more, where a cut fell into a silence: they lead from the sound before it to that after.

Why sound is needed, and that only a LAME other than ours needs it, is said in `joining`.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from soundstrip_worker.mp3.cuts import GRID, OVERLAP, TAIL, WARM_UP, Segment
from soundstrip_worker.mp3.frames import count_sounding
from soundstrip_worker.mp3.joining import ENOUGH_SOUND, LEAST_AGREEMENT, Disagreement

_LONGEST_OVERLAP = 6000
"""Frames: those of an overlap are held in memory."""

_LARGEST_SHARE = 0.5
"""Of the whole; beyond it, one encode of all is the quicker."""


class Sounds(msgspec.Struct, frozen=True):
    """In how many granules of each frame of a segment each channel sounds: a byte each."""

    segment: Segment
    channels: tuple[bytes, ...]

    @property
    def end(self) -> int:
        """The frame, of the whole file, after the last."""
        return self.segment.start + len(self.channels[0])

    def sounding(self, frames: range, least: int = 1) -> set[int]:
        """Return the channels that sound, in as many granules at least, in frames of the file."""
        here = slice(frames.start - self.segment.start, frames.stop - self.segment.start)
        return {n for n, counts in enumerate(self.channels) if sum(counts[here]) >= least}


def survey(segment: Segment, frames: Iterable[bytes]) -> Sounds:
    """Look where the frames of a segment sound."""
    counts = zip(*map(count_sounding, frames), strict=True)
    return Sounds(segment, tuple(map(bytes, counts)))


def plan_bridges(sounds: Sequence[Sounds]) -> list[tuple[Segment, bool]]:
    """Return all segments in order, and of each whether it is a bridge that is yet to be made.

    Raises:
        Disagreement: If there is too little sound to join at, or it lies too far away.
    """
    whole = sounds[-1].end
    planned = [(sounds[0].segment, False)]
    heard: set[int] = set()
    for before, after in pairwise(sounds):
        cut = after.segment.cut
        heard |= before.sounding(range(before.segment.cut, cut))
        end = _last_cut(after, whole)
        channels = heard & after.sounding(range(cut, end))
        if not _is_good(after, range(cut, cut + OVERLAP), channels):
            planned.append((_bridge(before, after, channels, end), True))
        planned.append((after.segment, False))
    if sum(_length(segment) for segment, is_new in planned if is_new) > _LARGEST_SHARE * whole:
        raise Disagreement("the sound to join at is too far from a cut")
    return planned


def _bridge(before: Sounds, after: Sounds, channels: set[int], end: int) -> Segment:
    """Find the shortest segment that has enough sound in common with both."""
    cut = after.segment.cut
    firsts = range(cut, max(before.segment.cut, cut - _LONGEST_OVERLAP), -GRID)
    lasts = range(cut + OVERLAP, min(end, cut + _LONGEST_OVERLAP), GRID)
    first = (n for n in firsts if _is_good(before, range(n, cut + OVERLAP), channels))
    last = (n for n in lasts if _is_good(after, range(cut, n), channels))
    start, stop = next(first, None), next(last, None)
    if start is None or stop is None:
        raise Disagreement("there is too little sound to join at")
    return Segment(max(0, start - WARM_UP), start, stop + TAIL)


def _is_good(sounds: Sounds, overlap: range, channels: set[int]) -> bool:
    """There is sound to become the same by, then frames that show it, with as much sound again."""
    frames = range(overlap.start, overlap.stop - LEAST_AGREEMENT)
    return channels <= (
        sounds.sounding(frames, ENOUGH_SOUND) & sounds.sounding(overlap, 2 * ENOUGH_SOUND)
    )


def _last_cut(sounds: Sounds, whole: int) -> int:
    end = sounds.segment.end
    return whole if end is None else end - OVERLAP - TAIL


def _length(segment: Segment) -> int:
    return (segment.end or segment.start) - segment.start
