"""Cuts bytes into chunks and stores them in large inserts, while more bytes come."""

from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any

from bson import ObjectId
from pymongo import WriteConcern, timeout
from pymongo.errors import BulkWriteError

from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import ChunkTaken, StorageUnavailable, storage_errors
from soundstrip_storage.layout import CHUNK_SIZE, Bucket

_INSERT_SECONDS = 15.0
_PATIENCE_SECONDS = 20.0
"""How long a writer waits for its oldest insert, the wait for a thread included."""

_DUPLICATE_KEY = 11000


class ChunkWriter:
    """The chunks of one file, from some number on.

    Two inserts at most are under way; while many files are written at once, one. So a file holds
    a few chunks in memory at most, however quickly its bytes come.
    """

    def __init__(
        self,
        database: Documents,
        bucket: Bucket,
        file_id: ObjectId,
        carriers: Carriers,
        *,
        first: int = 0,
        size: int = CHUNK_SIZE,
    ) -> None:
        # Chunks don't wait for the journal: the document's majority write vouches for them.
        self._chunks = database[bucket.chunks].with_options(write_concern=WriteConcern(w=1))
        self._file_id = file_id
        self._carriers = carriers
        self._next = first
        self._pieces: list[memoryview] = []
        self._size = self._missing = size
        self._batch: list[dict[str, Any]] = []
        self._flying: deque[Future[None]] = deque()

    @property
    def pending(self) -> bytes:
        """The bytes that are not enough for a chunk yet."""
        return b"".join(self._pieces)

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes, which must not change any more.

        Raises:
            StorageUnavailable: If MongoDB did not take an earlier insert, or not in time.
            ChunkTaken: If there was a chunk already where one of these was to be.
        """
        view = memoryview(data)
        while len(view) >= self._missing:
            self._pieces.append(view[: self._missing])
            view = view[self._missing :]
            self._complete()
        if view:
            self._pieces.append(view)
            self._missing -= len(view)

    def flush(self) -> None:
        """Return when every whole chunk is stored. Raises what `write` raises."""
        self._send()
        while self._flying:
            self._land()

    def finish(self) -> None:
        """Store the rest as the last chunk, and return when all are. Raises what `write` raises."""
        if self._pieces:
            self._complete()
        self.flush()

    def abandon(self) -> None:
        """Return when nothing more of this will be stored; inserts under way are waited for."""
        for insert in self._flying:
            insert.cancel()
        for insert in self._flying:
            if not insert.cancelled():
                insert.exception()
        self._flying.clear()

    def _complete(self) -> None:
        data = b"".join(self._pieces)
        self._batch.append({"files_id": self._file_id, "n": self._next, "data": data})
        self._next += 1
        self._pieces, self._missing = [], self._size
        if len(self._batch) >= self._carriers.share:
            self._send()

    def _send(self) -> None:
        if not self._batch:
            return
        while len(self._flying) >= min(2, self._carriers.share):
            self._land()
        batch, self._batch = self._batch, []
        self._flying.append(self._carriers.submit(partial(self._insert, batch)))

    def _land(self) -> None:
        try:
            self._flying[0].result(_PATIENCE_SECONDS)
        except TimeoutError as error:
            raise StorageUnavailable("MongoDB is too slow to take what arrives") from error
        self._flying.popleft()

    def _insert(self, batch: list[dict[str, Any]]) -> None:
        with storage_errors(), timeout(_INSERT_SECONDS):
            try:
                self._chunks.insert_many(batch)
            except BulkWriteError as error:
                if any(each["code"] == _DUPLICATE_KEY for each in error.details["writeErrors"]):
                    raise ChunkTaken("another has stored this part of the file") from error
                raise
