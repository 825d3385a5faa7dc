"""Streams files into and out of GridFS with memory that does not grow with the file."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain, islice
from types import TracebackType
from typing import Any, Self

from bson import ObjectId
from pymongo import CursorType
from pymongo.errors import DuplicateKeyError

from soundstrip_storage.carriers import Carriers
from soundstrip_storage.chunks import ChunkWriter
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import FileDamaged, StorageError, storage_errors
from soundstrip_storage.intents import begin_intent, keep_order, touch_intent
from soundstrip_storage.layout import CHUNK_SIZE, INTENTS, Bucket, StoredFile, parse_file_id

_CHUNKS_AT_ONCE = 8
"""About 1 MiB: measured as fast as 4 MiB."""

_CHUNKS_PER_BATCH = 16
"""In each of the messages that mongod sends unasked, one after the other: 2 MiB, measured as fast
as 4 MiB, and 1.2 times as fast as 1 MiB."""

_CHUNKS_PER_QUERY = 1024
"""Some kilobytes of query for 127 MiB of chunks."""

_TOUCH_SECONDS = 60.0


def find_file(database: Documents, bucket: Bucket, file_id: str) -> StoredFile | None:
    """Return the complete file with this id; None for any id that has none, malformed or not."""
    key = parse_file_id(file_id)
    if key is None:
        return None
    with storage_errors():
        document = database[bucket.files].find_one({"_id": key})
    return StoredFile.parse(document) if document else None


def find_result(database: Documents, uid: str, run: int) -> StoredFile | None:
    """Return the result of a conversion's run, if one is stored."""
    key = {"metadata.conversionUid": uid, "metadata.run": run}
    with storage_errors():
        document = database[Bucket.RESULTS.files].find_one(key)
    return StoredFile.parse(document) if document else None


def read_file(
    database: Documents,
    bucket: Bucket,
    file: StoredFile,
    start: int = 0,
    stop: int | None = None,
    *,
    carriers: Carriers | None = None,
) -> Iterator[bytes]:
    """Yield the bytes from `start` up to `stop` (the end if None), a chunk at a time.

    With carriers, the next chunks are fetched while the last ones are used.

    Raises:
        FileDamaged: If a chunk is missing or has the wrong length.
        StorageUnavailable: If MongoDB does not answer.
    """
    stop = file.length if stop is None else min(stop, file.length)
    if start >= stop:
        return
    first, last = start // file.chunk_size, (stop - 1) // file.chunk_size
    numbers, condition = range(first, last + 1), {"$gte": first, "$lte": last}
    chunks = _chunks(database, bucket, file, numbers, condition)
    batches = iter(lambda: tuple(islice(chunks, _CHUNKS_AT_ONCE)), ())
    ready = carriers.ahead(batches) if carriers else batches
    for n, data in zip(numbers, chain.from_iterable(ready), strict=True):
        offset = n * file.chunk_size
        yield data[max(0, start - offset) : stop - offset]


def read_chunks(
    database: Documents, bucket: Bucket, file: StoredFile, numbers: Sequence[int]
) -> Iterator[bytes]:
    """Yield the chunks of these numbers, which ascend, one after the other.

    Raises:
        FileDamaged: If one of them is missing or has the wrong length.
        StorageUnavailable: If MongoDB does not answer.
    """
    for at in range(0, len(numbers), _CHUNKS_PER_QUERY):
        some = numbers[at : at + _CHUNKS_PER_QUERY]
        yield from _chunks(database, bucket, file, some, {"$in": list(some)})


def _chunks(
    database: Documents,
    bucket: Bucket,
    file: StoredFile,
    numbers: Iterable[int],
    condition: Mapping[str, Any],
) -> Iterator[bytes]:
    """Yield the chunks that satisfy the condition on `n`, which must be those of the numbers.

    mongod sends them without being asked for each batch, which mongos doesn't do: it takes half
    the time. A connection belongs to the reader until the last is read.
    """
    key = {"files_id": ObjectId(file.id), "n": condition}
    with storage_errors():
        kind = CursorType.NON_TAILABLE if database.client.is_mongos else CursorType.EXHAUST
        found = database[bucket.chunks].find(
            key, {"_id": 0, "n": 1, "data": 1}, cursor_type=kind, batch_size=_CHUNKS_PER_BATCH
        )
        with found.sort("n", 1) as chunks:
            for expected in numbers:
                yield _check_chunk(file, next(chunks, None), expected)
            next(chunks, None)  # or the connection could not be used again


def _check_chunk(file: StoredFile, chunk: Mapping[str, Any] | None, expected: int) -> bytes:
    if chunk is None or chunk["n"] != expected:
        raise FileDamaged(f"chunk {expected} of file {file.id} is missing")
    data: bytes = chunk["data"]
    if len(data) != min(file.chunk_size, file.length - expected * file.chunk_size):
        raise FileDamaged(f"chunk {expected} of file {file.id} has a wrong length")
    return data


def put_file(database: Documents, bucket: Bucket, file: StoredFile) -> None:
    """Put the document of a file whose chunks stand; one that is there already stays."""
    with storage_errors():
        try:
            database[bucket.files].insert_one(file.document())
        except DuplicateKeyError:
            return


def remove_file(database: Documents, bucket: Bucket, file_id: str) -> None:
    """Remove a file, whole or in parts, and then its intent; again and again changes nothing."""
    key = ObjectId(file_id)
    with storage_errors():
        database[bucket.files].delete_one({"_id": key})
        database[bucket.chunks].delete_many({"files_id": key})
        database[INTENTS].delete_one({"_id": key})


class FileWriter:
    """Writes one file: an intent first, then chunks in large inserts, its document last.

    A context manager: leaving it without `finish` removes what was written. After `finish` the
    intent still stands, until the caller calls `settle_intent`. The SHA-256 is computed on the
    way; chunks are stored by the carriers' threads while the next ones come.
    """

    def __init__(
        self,
        database: Documents,
        bucket: Bucket,
        *,
        install: str,
        owner: str,
        carriers: Carriers | None = None,
    ) -> None:
        key = ObjectId()
        self.id = str(key)
        self.length = 0
        self._database = database
        self._bucket = bucket
        self._install = install
        self._owner = owner
        self._hash = hashlib.sha256()
        self._carriers = carriers or Carriers()
        self._chunks = ChunkWriter(database, bucket, key, self._carriers)
        self._stack = ExitStack()
        self._touched = time.monotonic()
        self._finished = False

    def __enter__(self) -> Self:
        begin_intent(
            self._database, self._bucket, self.id, install=self._install, owner=self._owner
        )
        self._stack.enter_context(self._carriers.writer())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        if self._finished:
            return
        self._chunks.abandon()
        try:
            remove_file(self._database, self._bucket, self.id)
        except StorageError as failure:
            # The intent still stands for the sweep; the first error is the one to tell.
            if error is None:
                raise
            error.add_note(f"what was written could not be removed: {failure}")

    @property
    def sha256(self) -> str:
        """The SHA-256 of all that was written so far."""
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes, which must not change any more.

        Raises:
            StorageUnavailable: If MongoDB does not take a batch of chunks.
        """
        self._chunks.write(data)
        self._hash.update(data)
        self.length += len(data)
        self._touch()

    def finish(self, filename: str, metadata: Mapping[str, Any]) -> StoredFile:
        """Seal the file and put its document, and return the file. Raises what they raise."""
        return self.put(self.seal(filename, metadata))

    def seal(self, filename: str, metadata: Mapping[str, Any]) -> StoredFile:
        """Store the last chunks, and return the file as it will be: all but its document stands.

        `install`, `owner` and `sha256` are added to the metadata.

        Raises:
            StorageUnavailable: If MongoDB does not take the chunks.
        """
        self._chunks.finish()
        self._stack.close()  # others have this one's share of the carriers from now on
        own = {"install": self._install, "owner": self._owner, "sha256": self.sha256}
        return StoredFile(
            id=self.id,
            filename=filename,
            length=self.length,
            chunk_size=CHUNK_SIZE,
            uploaded_at=datetime.now(UTC),
            metadata=own | dict(metadata),
        )

    def put(self, file: StoredFile, order: str | None = None) -> StoredFile:
        """Put the document of a sealed file, and return the file.

        The order, what is to be made of it, is kept in the intent from before the document
        stands. Of two results of one run the first wins: the loser removes its own chunks and
        returns the winner.

        Raises:
            StorageUnavailable: If MongoDB does not take it.
        """
        if order is not None:
            keep_order(self._database, self.id, order)
        with storage_errors():
            try:
                self._database[self._bucket.files].insert_one(file.document())
            except DuplicateKeyError:
                return self._yield_to_winner(file.metadata)
        self._finished = True
        return file

    def _yield_to_winner(self, metadata: Mapping[str, Any]) -> StoredFile:
        remove_file(self._database, self._bucket, self.id)
        self._finished = True
        winner = find_result(self._database, metadata["conversionUid"], metadata["run"])
        if winner is None:
            raise FileDamaged("the result that came first is gone again")
        return winner

    def _touch(self) -> None:
        if time.monotonic() - self._touched >= _TOUCH_SECONDS:
            touch_intent(self._database, self.id, datetime.now(UTC))
            self._touched = time.monotonic()
