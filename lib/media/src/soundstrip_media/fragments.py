"""Movie fragments: the samples that a `moof` adds (ISO/IEC 14496-12, 8.8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from soundstrip_media.boxes import Box, Family, read_body, read_number
from soundstrip_media.reading import Budget, NotUnderstood, Readable, unpack
from soundstrip_media.tables import Extent

_MOST_IN_RUN = 1 << 16
"""More than twenty minutes of audio; a megabyte."""

_HAS_BASE = 0x1
_HAS_DESCRIPTION = 0x2
_HAS_DURATION = 0x8
_HAS_SIZE = 0x10
_BASE_IS_MOOF = 0x20000

_HAS_OFFSET = 0x1
_HAS_FIRST_FLAGS = 0x4
_EACH_HAS_DURATION = 0x100
_EACH_HAS_SIZE = 0x200
_EACH_HAS_MORE = (0x400, 0x800)


@dataclass(frozen=True)
class _Header:
    """A `tfhd`: the track, where its data offsets count from, and its samples' size."""

    track: int
    base: int
    size: int


class Run(NamedTuple):
    """Samples of a track that lie together; `time` is its fragment's, None if that is not told."""

    track: int
    time: int | None
    extent: Extent


def read_fragment(
    file: Readable, moof: Box, default_sizes: Mapping[int, int], budget: Budget, samples: Budget
) -> list[Run]:
    """Return the runs of samples of all tracks.

    Raises:
        NotUnderstood: If the box is contradictory, or larger than the budgets.
    """
    end, runs = moof.start, []
    for box in Family(file, moof, budget).all(b"traf"):
        family = Family(file, box, budget)
        header = _read_header(file, family.the(b"tfhd"), moof.start, end, default_sizes)
        time, end = _read_time(file, family.find(b"tfdt")), header.base
        for number, run in enumerate(family.all(b"trun")):
            extent = _read_run(file, run, header, samples, is_first=number == 0)
            end = extent.stop
            runs.append(Run(header.track, time, extent))
    return runs


def _read_time(file: Readable, tfdt: Box | None) -> int | None:
    """Read the media time at which a track's part of the fragment begins."""
    if tfdt is None:
        return None
    return read_number(file, tfdt, 4, 8 if read_number(file, tfdt, 0, 1) == 1 else 4)


def _read_header(
    file: Readable, tfhd: Box, moof: int, end: int, default_sizes: Mapping[int, int]
) -> _Header:
    """`end` is where the data of the track before ended: the base of one that says nothing."""
    flags = read_number(file, tfhd, 0) & 0xFFFFFF
    track, at = read_number(file, tfhd, 4), 8
    base = moof if flags & _BASE_IS_MOOF else end
    if flags & _HAS_BASE:
        base, at = read_number(file, tfhd, at, 8), at + 8
    at += 4 * (bool(flags & _HAS_DESCRIPTION) + bool(flags & _HAS_DURATION))
    size = read_number(file, tfhd, at) if flags & _HAS_SIZE else default_sizes.get(track, 0)
    return _Header(track, base, size)


def _read_run(
    file: Readable, trun: Box, header: _Header, samples: Budget, *, is_first: bool
) -> Extent:
    """A later run has to say where it lies: readers differ in what they take it for."""
    flags = read_number(file, trun, 0) & 0xFFFFFF
    count, at, offset = read_number(file, trun, 4), 8, 0
    if flags & _HAS_OFFSET:
        offset = int.from_bytes(read_body(file, trun, at, 4), "big", signed=True)
        at += 4
    elif not is_first:
        raise NotUnderstood("a run of samples does not say where it lies")
    at += 4 * bool(flags & _HAS_FIRST_FLAGS)
    start = header.base + offset
    if not flags & _EACH_HAS_SIZE:
        return Extent(start, start + count * header.size, count)
    samples.spend(count)
    return Extent(start, start + _sum_sizes(file, trun, at, count, flags), count)


def _sum_sizes(file: Readable, trun: Box, at: int, count: int, flags: int) -> int:
    """Add up the sizes of samples, each of which has as many fields as the flags have such bits."""
    if count > _MOST_IN_RUN:
        raise NotUnderstood("a run of samples is too long")
    before = bool(flags & _EACH_HAS_DURATION)
    each = 1 + before + sum(bool(flags & bit) for bit in _EACH_HAS_MORE)
    return sum(unpack(read_body(file, trun, at, 4 * each * count), 4)[before::each])
