"""Joins overlapping segments of one encode into the frames that an encode in one go would give.

A segment's encoder knows less of what was before than the whole's; it is the same from where both
make the same frames. There is one exception: the search for a granule's quantization begins where
the channel's last one ended (bin_search_StepSize in LAME 3.100's quantize.c; at a constant bit rate
only), and silence in between, of any length, keeps that and shows nothing of it. Our own build of
LAME forgets it in silence and says so in the granule; Debian's does not.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import msgspec

from soundstrip_worker.mp3.cuts import TAIL, Segment
from soundstrip_worker.mp3.frames import beginning_anew, count_sounding

LEAST_AGREEMENT = 98
"""Frames at the end of an overlap that have to be equal."""

ENOUGH_SOUND = 40
"""Granules of a channel that have to be equal to prove the same search. Searches that had begun
apart were seen to give 24 equal ones and then another, right after their beginning."""


class Disagreement(Exception):
    """The segments can't be joined: this is not certainly what one encode would give."""


class CutInSilence(Disagreement):
    """A channel is silent where two segments overlap, and sounds before and after."""


class Part(msgspec.Struct, frozen=True):
    """A segment, and the frames that were made of it."""

    segment: Segment
    frames: Iterator[bytes]


def join(parts: Sequence[Part], *, through_silence: bool) -> Iterator[bytes]:
    """Yield the frames of the whole; every part's frames are read to their end, one after another.

    `through_silence` is for a constant bit rate: see above.

    Raises:
        Disagreement: If it can't be done; what was yielded before is worth nothing then.
    """
    memory = _Memory(through_silence)
    before: list[bytes] | None = None
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        frames: Iterator[bytes] = islice(part.frames, part.segment.warm_up, None)
        if before is not None:
            after = list(islice(frames, len(before)))
            at = find_agreement(before, after)
            memory.meet(after[at:])
            frames = chain(before[:at], after[at:], frames)
        if following is None:
            yield from memory.follow(frames)
            return
        yield from memory.follow(islice(frames, following.segment.cut - part.segment.cut))
        before = list(islice(frames, _overlap(part.segment, following.segment)))
        for _ in frames:
            pass


def _overlap(segment: Segment, following: Segment) -> int:
    return (segment.end or following.cut) - TAIL - following.cut


def find_agreement(before: Sequence[bytes], after: Sequence[bytes]) -> int:
    """Return the index from which two runs of the same frames are equal to their end.

    Raises:
        Disagreement: If one is the shorter, or they are equal for too short.
    """
    if len(before) != len(after):
        raise Disagreement("a segment is shorter than it should be")
    at = len(before)
    while at and before[at - 1] == after[at - 1]:
        at -= 1
    if len(before) - at < LEAST_AGREEMENT:
        raise Disagreement("two segments differ where they overlap")
    return at


class _Memory:
    """Which channels' searches may begin elsewhere than they would in one encode."""

    def __init__(self, matters: bool) -> None:  # noqa: FBT001 - said by name at its only place
        self._matters = matters
        self._heard: set[int] = set()
        self._all_heard = False
        self._doubtful: set[int] = set()

    def meet(self, run: Sequence[bytes]) -> None:
        """Go over to another encoder after a run of equal frames.

        Certain are channels whose search began anew in it, those with enough sound in it, and
        those that had none since the beginning; but not those in which the encoder before was no
        better.
        """
        if not self._matters:
            return
        sums = [sum(counts) for counts in zip(*map(count_sounding, run), strict=True)]
        unproven = self._heard.difference(*map(beginning_anew, run))
        self._doubtful |= {channel for channel in unproven if sums[channel] < ENOUGH_SOUND}

    def follow(self, frames: Iterable[bytes]) -> Iterator[bytes]:
        """Pass frames on until one is made of what is doubtful."""
        for frame in frames:
            if self._matters and (self._doubtful or not self._all_heard):
                self._hear(frame)
            yield frame

    def _hear(self, frame: bytes) -> None:
        """Note which channels sound: all, for `meet`, if the encoder is one that begins anew."""
        counts = count_sounding(frame)
        sounding = {n for n, count in enumerate(counts) if count}
        if sounding & self._doubtful:
            raise CutInSilence("a cut lies in a silence")
        self._heard |= set(range(len(counts))) if beginning_anew(frame) else sounding
        self._all_heard = len(self._heard) == len(counts)
