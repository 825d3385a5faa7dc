"""The stored audio, for those whose it is."""

from collections.abc import Iterator

from pymongo import timeout

from soundstrip_crds.conversion import Result
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.gridfs import find_file, read_file
from soundstrip_storage.layout import Bucket, StoredFile

_CHECK_SECONDS = 2.0


class Library:
    """Finds and reads results. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents, carriers: Carriers) -> None:
        self._database = database
        self._carriers = carriers

    def find(self, result: Result, owner: str) -> StoredFile | None:
        """Return the result's file, if it is still there and the owner's."""
        file = find_file(self._database, Bucket.RESULTS, result.file_id)
        return file if file is not None and file.owner == owner else None

    def read(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `stop`, a chunk at a time."""
        return read_file(self._database, Bucket.RESULTS, file, start, stop, carriers=self._carriers)

    def check(self) -> None:
        """Return if MongoDB answers."""
        with storage_errors(), timeout(_CHECK_SECONDS):
            self._database.command("ping")
