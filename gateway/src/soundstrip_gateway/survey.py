"""What a stored file's own index says of it, so that a node can be chosen for it.

It is the uploader's word: whoever plans with it leaves room for a file that lies.
"""

from collections import OrderedDict
from dataclasses import dataclass

from soundstrip_media.readers import read_layout
from soundstrip_media.reading import NotUnderstood
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import FileDamaged, StorageUnavailable
from soundstrip_storage.gridfs import read_chunks
from soundstrip_storage.layout import Bucket, StoredFile

_MOST_INDEX = 1 << 23
"""Bytes of an index that is read here, while the uploader waits: two hours of film."""

_KEPT = 16
"""Chunks that are kept, 4 MiB: several tables of the index are read side by side."""


@dataclass(frozen=True)
class Survey:
    """Bytes of audio and index, in whole chunks, and seconds of media; None is not known."""

    audio_bytes: int | None = None
    seconds: float | None = None


def survey(database: Documents, file: StoredFile) -> Survey:
    """Look at a file; nothing is known of one that is odd, or while the store is away."""
    try:
        layout = read_layout(_Stored(database, file), grain=file.chunk_size)
    except (NotUnderstood, FileDamaged, StorageUnavailable):
        return Survey()
    return Survey(sum(each.length for each in layout.ranges), layout.seconds)


class _Stored:
    """A stored file whose index is read, chunk by chunk."""

    def __init__(self, database: Documents, file: StoredFile) -> None:
        self._database = database
        self._file = file
        self._chunks: OrderedDict[int, bytes] = OrderedDict()

    @property
    def size(self) -> int:
        return self._file.length

    def read(self, offset: int, length: int) -> bytes:
        grain = self._file.chunk_size
        stop = min(offset + length, self.size)
        numbers = range(offset // grain, -(-stop // grain))
        data = b"".join(map(self._chunk, numbers))
        return data[offset - numbers.start * grain :][: stop - offset]

    def expect(self, start: int, stop: int) -> None:
        if stop - start > _MOST_INDEX:
            raise NotUnderstood("its index is too large to be waited for")

    def _chunk(self, number: int) -> bytes:
        if number not in self._chunks:
            [self._chunks[number]] = read_chunks(
                self._database, Bucket.SOURCES, self._file, [number]
            )
        self._chunks.move_to_end(number)
        if len(self._chunks) > _KEPT:
            self._chunks.popitem(last=False)
        return self._chunks[number]
