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

_MORE_THAN_ALL = sys.maxsize


class Span(NamedTuple):
    """The samples from `first` up to, and without, `stop`, counted from 0."""

    first: int
    stop: int


EVERYTHING: Sequence[Span] = (Span(0, _MORE_THAN_ALL),)


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
    syncs: Box | None
    """The numbers of the samples that can be decoded without others; None if all can."""
    entry: SampleEntry

    @classmethod
    def parse(cls, family: Family, entry: SampleEntry) -> "SampleTable":
        """Find the tables among the children of a `stbl`."""
        return cls(
            sizes=family.the(b"stsz", b"stz2"),
            offsets=family.the(b"stco", b"co64"),
            runs=family.the(b"stsc"),
            durations=family.the(b"stts"),
            syncs=family.find(b"stss"),
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
    file: Readable, table: SampleTable, budget: Budget, spans: Sequence[Span] = EVERYTHING
) -> Iterator[Extent]:
    """Yield where a track's samples of these spans lie, in the order of the track.

    Of a chunk whose samples' sizes are not listed all is yielded if one is wanted.

    Raises:
        NotUnderstood: If the tables contradict each other, or are larger than the budget.
    """
    offset_width = 8 if table.offsets.kind == b"co64" else 4
    offsets = _Numbers(file, table.offsets, offset=4, width=offset_width)
    sizes = _Sizes(file, table)
    budget.spend(offsets.count + sizes.budgeted)
    done, last = 0, spans[-1].stop
    for start, samples in zip(offsets, _chunk_lengths(file, table, offsets.count), strict=True):
        chunk = Span(done, done + samples)
        if chunk.stop > sizes.count:
            raise NotUnderstood("its chunks hold more samples than there are")
        yield from _cut_chunk(chunk, start, spans, sizes)
        done += samples
        if done >= last:
            return
    if done != sizes.count:
        raise NotUnderstood("its chunks hold fewer samples than there are")


def _cut_chunk(chunk: Span, start: int, spans: Sequence[Span], sizes: "_Sizes") -> Iterator[Extent]:
    """Yield what is wanted of a chunk that begins at byte `start`; all its sizes are taken."""
    pieces = [Span(max(s.first, chunk.first), min(s.stop, chunk.stop)) for s in spans]
    pieces = [piece for piece in pieces if piece.first < piece.stop]
    if pieces and not sizes.budgeted:
        pieces = [chunk]
    at = chunk.first
    for piece in pieces:
        start += sizes.take(piece.first - at)
        length = sizes.take(piece.stop - piece.first)
        yield Extent(start, start + length, piece.stop - piece.first)
        start, at = start + length, piece.stop
    sizes.take(chunk.stop - at)


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
    file: Readable, table: SampleTable, start: int, stop: int | None, budget: Budget
) -> Span:
    """Return the samples from the one that lasts beyond `start` to one at or after `stop`.

    Both times are in the track's own units. A time that the track does not reach is at its end.
    """
    first = last = time = index = 0
    for count, delta in _read_durations(file, table, budget):
        if time <= start:
            first = index + (min(count, (start - time) // delta) if delta else count)
        if stop is not None and time < stop:
            last = index + (min(count, -(-(stop - time) // delta)) if delta else count)
        time, index = time + count * delta, index + count
    return Span(first, _MORE_THAN_ALL if stop is None else last + 1)


def find_sync(file: Readable, table: SampleTable, latest: int, budget: Budget) -> int | None:
    """Return when the last sample that needs no other is decoded, up to a time; else 0.

    None means that all samples are such.

    Raises:
        NotUnderstood: If they are not in order.
    """
    if table.syncs is None:
        return None
    syncs = _Numbers(file, table.syncs, offset=4, width=4)
    budget.spend(syncs.count)
    durations = _read_durations(file, table, budget)
    found = time = index = before = count = delta = 0
    for number in syncs:
        if number <= before:
            raise NotUnderstood("its key frames are in an odd order")
        before = number
        while number > index + count:
            time, index = time + count * delta, index + count
            count, delta = next(durations, (sys.maxsize, 0))
        at = time + (number - 1 - index) * delta
        if at > latest:
            break
        found = at
    return found


def _read_durations(
    file: Readable, table: SampleTable, budget: Budget
) -> Iterator[tuple[int, int]]:
    """Yield how many samples have which duration."""
    durations = _Numbers(file, table.durations, offset=4, width=4, each=2)
    budget.spend(durations.count)
    numbers = iter(durations)
    return zip(numbers, numbers, strict=True)
