"""A stored file that is brought into a local one of the same length, chunk by chunk, as wanted."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from soundstrip_media.layout import Skip
from soundstrip_media.ranges import Range, merge, subtract
from soundstrip_media.reading import NotUnderstood
from soundstrip_storage.connection import Documents
from soundstrip_storage.gridfs import read_chunks
from soundstrip_storage.layout import Bucket, StoredFile
from soundstrip_worker.ahead import read_ahead

_INDEX_SHARE = 0.5
"""An index that is spread over more of the file than this costs more than it saves."""


class Download:
    """A source on its way: the local file has holes where nothing of it was brought.

    What StorageUnavailable interrupts can be called again, and goes on where it was. All that
    brings chunks raises StorageUnavailable, or FileDamaged if one is missing or of a wrong length.
    """

    def __init__(self, database: Documents, file: StoredFile, path: Path) -> None:
        self._database = database
        self._stored = file
        self._file = path.open("w+b", buffering=0)
        self._file.truncate(file.length)
        self._is_here = bytearray(-(-file.length // file.chunk_size))
        self._skips: Sequence[Skip] = ()

    @property
    def size(self) -> int:
        """The file's length in bytes."""
        return self._stored.length

    @property
    def grain(self) -> int:
        """The bytes of a chunk."""
        return self._stored.chunk_size

    @property
    def brought(self) -> int:
        """The bytes that were brought and are here."""
        return sum(each.length for each in self._chunks())

    @property
    def is_whole(self) -> bool:
        """Whether that is all."""
        return 0 not in self._is_here

    def ranges(self) -> tuple[Range, ...]:
        """Return which bytes are here, and none of what is marked to be skipped."""
        return tuple(subtract(self._chunks(), [skip.range for skip in self._skips]))

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes of an index, and bring them first if need be.

        Raises:
            NotUnderstood: If so much was read that the whole file is the better bargain.
        """
        self.expect(offset, offset + length)
        return os.pread(self._file.fileno(), length, offset)

    def expect(self, start: int, stop: int) -> None:
        """Bring the bytes from `start` up to `stop`; raises as `read` does."""
        missing = self._missing([Range(start, min(stop, self.size))])
        if not missing:
            return
        if sum(self._is_here) + len(missing) > _INDEX_SHARE * len(self._is_here):
            raise NotUnderstood("its index is all over the file")
        self._bring(missing)

    def bring(self, ranges: Iterable[Range]) -> None:
        """Bring all chunks that hold bytes of these ranges."""
        self._bring(self._missing(ranges))

    def mark(self, skips: Sequence[Skip]) -> None:
        """Mark what is to be skipped, until the rest is brought."""
        self._skips = skips
        for skip in skips:
            os.pwrite(self._file.fileno(), skip.mark, skip.range.start)

    def complete(self) -> str:
        """Bring the rest, and return the SHA-256 of the whole."""
        self._forget_marked()
        digest = hashlib.sha256()
        for is_here, numbers in groupby(range(len(self._is_here)), self._is_here.__getitem__):
            some = list(numbers)
            for data in self._look_up(some) if is_here else self._fetch(some):
                digest.update(data)
        return digest.hexdigest()

    def _chunks(self) -> list[Range]:
        return merge(self._range(n) for n, is_here in enumerate(self._is_here) if is_here)

    def _forget_marked(self) -> None:
        """Marks were written over what was brought: it has to come again."""
        for skip in self._skips:
            start = skip.range.start
            for n in range(start // self.grain, -(-(start + len(skip.mark)) // self.grain)):
                self._is_here[n] = 0
        self._skips = ()

    def _missing(self, ranges: Iterable[Range]) -> list[int]:
        spans = (range(each.start // self.grain, -(-each.stop // self.grain)) for each in ranges)
        return [n for span in spans for n in span if not self._is_here[n]]

    def _bring(self, numbers: Sequence[int]) -> None:
        for _ in self._fetch(numbers):
            pass

    def _fetch(self, numbers: Sequence[int]) -> Iterator[bytes]:
        chunks = read_chunks(self._database, Bucket.SOURCES, self._stored, numbers)
        for n, data in zip(numbers, read_ahead(chunks), strict=True):
            os.pwrite(self._file.fileno(), data, n * self.grain)
            self._is_here[n] = 1
            yield data

    def _look_up(self, numbers: Iterable[int]) -> Iterator[bytes]:
        for each in map(self._range, numbers):
            yield os.pread(self._file.fileno(), each.length, each.start)

    def _range(self, n: int) -> Range:
        return Range(n * self.grain, min((n + 1) * self.grain, self.size))
