"""Sample tables: which bytes of a file are a track's samples (ISO/IEC 14496-12, 8.6 and 8.7).

The tables are read in slices and followed side by side, so that memory does not grow with them, and
no table is believed to hold more entries than it has bytes for.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import NamedTuple

from soundstrip_media.boxes import Box, Family, read_number
from soundstrip_media.entries import SampleEntry
from soundstrip_media.reading import Budget, NotUnderstood, Readable, read_exactly, unpack

_SLICE = 1 << 14
"""Entries that are read at once."""

_EVERYTHING = sys.maxsize


class Extent(NamedTuple):
    """The bytes of samples that lie together in the file."""

    start: int
    stop: int
    samples: int


@dataclass(frozen=True)
class SampleTable:
    """A track's `stbl`, of which nothing but the places of its tables is known yet."""

    sizes: Box
    offsets: Box
    runs: Box
    durations: Box
    entry: SampleEntry

    @classmethod
    def parse(cls, family: Family, entry: SampleEntry) -> "SampleTable":
        """Find the tables among the children of a `stbl`."""
        return cls(
            sizes=family.the(b"stsz", b"stz2"),
            offsets=family.the(b"stco", b"co64"),
            runs=family.the(b"stsc"),
            durations=family.the(b"stts"),
            entry=entry,
        )


class _Numbers:
    """A table of numbers of one width behind a count: `count` and its entries."""

    def __init__(self, file: Readable, box: Box, *, offset: int, width: int, each: int = 1) -> None:
        self.count = read_number(file, box, offset)
        self._file = file
        self._start = box.body + offset + 4
        self._width = width
        self._total = self.count * each
        if self._start + self._total * width > box.stop:
            raise NotUnderstood(f"a table {box.kind!r} has fewer entries than it says")

    def __iter__(self) -> Iterator[int]:
        slices = range(0, self._total, _SLICE)
        return chain.from_iterable(self._read(at, min(_SLICE, self._total - at)) for at in slices)

    def _read(self, first: int, count: int) -> Sequence[int]:
        at = self._start + first * self._width
        return unpack(read_exactly(self._file, at, count * self._width), self._width)


def read_extents(
    file: Readable,
    table: SampleTable,
    budget: Budget,
    *,
    first: int = 0,
    stop: int = _EVERYTHING,
) -> Iterator[Extent]:
    """Yield where a track's samples lie, chunk by chunk, in the order of the track.

    Of a chunk that holds one of the samples from `first` up to `stop` all is yielded.

    Raises:
        NotUnderstood: If the tables contradict each other, or are larger than the budget.
    """
    offset_width = 8 if table.offsets.kind == b"co64" else 4
    offsets = _Numbers(file, table.offsets, offset=4, width=offset_width)
    sizes = _Sizes(file, table)
    budget.spend(offsets.count + sizes.budgeted)
    done = 0
    for start, samples in zip(offsets, _chunk_lengths(file, table, offsets.count), strict=True):
        done += samples
        if done > sizes.count:
            raise NotUnderstood("its chunks hold more samples than there are")
        length = sizes.take(samples)
        if done > first:
            yield Extent(start, start + length, samples)
        if done >= stop:
            return
    if done != sizes.count:
        raise NotUnderstood("its chunks hold fewer samples than there are")


class _Sizes:
    """The bytes of the next so many samples, again and again."""

    def __init__(self, file: Readable, table: SampleTable) -> None:
        box = table.sizes
        one_for_all = read_number(file, box, 4) if box.kind == b"stsz" else 0
        self._entry = table.entry
        self._fixed = one_for_all
        if one_for_all:
            self.count = read_number(file, box, 8)
            self.budgeted = 0
        else:
            width = _field_width(file, box)
            numbers = _Numbers(file, box, offset=8, width=width)
            self.count = self.budgeted = numbers.count
            self._sizes = iter(numbers)

    def take(self, samples: int) -> int:
        if self._fixed:
            return self._entry.bytes_of(samples, self._fixed)
        return sum(islice(self._sizes, samples))


def _field_width(file: Readable, box: Box) -> int:
    """The size's bytes; half bytes, which nobody writes, are not read."""
    bits = 32 if box.kind == b"stsz" else read_number(file, box, 7, 1)
    if bits not in {8, 16, 32}:
        raise NotUnderstood("its sample sizes are of an odd width")
    return bits // 8


def _chunk_lengths(file: Readable, table: SampleTable, chunks: int) -> Iterator[int]:
    """Yield how many samples each chunk has."""
    numbers = iter(_Numbers(file, table.runs, offset=4, width=4, each=3))
    runs = zip(numbers, numbers, numbers, strict=True)
    expected = 1
    for run, following in pairwise(chain(runs, [(chunks + 1, 1, 1)])):
        (first, samples, _), after = run, following[0]
        if first != expected or not first < after <= chunks + 1 or not samples:
            raise NotUnderstood("its chunks are numbered in an odd way")
        for _ in range(after - first):
            yield samples
        expected = after
    if expected != chunks + 1:
        raise NotUnderstood("its chunks are numbered in an odd way")


def find_samples(
    file: Readable, table: SampleTable, start: int, stop: int, budget: Budget
) -> tuple[int, int]:
    """Return the first sample that lasts beyond `start`, and the first at or after `stop`.

    Both times are in the track's own units. A time that the track does not reach is at its end.
    """
    durations = _Numbers(file, table.durations, offset=4, width=4, each=2)
    budget.spend(durations.count)
    numbers = iter(durations)
    first = last = time = index = 0
    for count, delta in zip(numbers, numbers, strict=True):
        end = time + count * delta
        if time <= start:
            first = index + (min(count, (start - time) // delta) if delta else count)
        if time < stop:
            last = index + (min(count, -(-(stop - time) // delta)) if delta else count)
        time, index = end, index + count
    return first, last
