"""The stored files, for those whose they are."""

from collections.abc import Collection, Iterator

from pymongo import timeout

from soundstrip_crds.conversion import Result
from soundstrip_gateway.survey import Survey, survey
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.gridfs import find_file, read_file
from soundstrip_storage.layout import Bucket, StoredFile, parse_file_id
from soundstrip_storage.usage import Stored, measure

_CHECK_SECONDS = 2.0


class Library:
    """Finds and reads results and sources; every method raises StorageUnavailable."""

    def __init__(self, database: Documents, carriers: Carriers) -> None:
        self._database = database
        self._carriers = carriers

    def find(self, result: Result, owner: str) -> StoredFile | None:
        """Return the result's file, if it is still there and the owner's."""
        return self._find(Bucket.RESULTS, result.file_id, owner)

    def find_source(self, file_id: str, owner: str) -> StoredFile | None:
        """Return an upload, if it is still there and the owner's."""
        return self._find(Bucket.SOURCES, file_id, owner)

    def find_sources(self, file_ids: Collection[str], owner: str) -> dict[str, StoredFile]:
        """Return those of these uploads that are still there and the owner's, by their ids."""
        key = {"_id": {"$in": [parse_file_id(text) for text in file_ids]}, "metadata.owner": owner}
        with storage_errors():
            found = self._database[Bucket.SOURCES.files].find(key)
            return {str(document["_id"]): StoredFile.parse(document) for document in found}

    def measure(self, bucket: Bucket, owner: str) -> Stored:
        """Return how much of a bucket is an owner's."""
        return measure(self._database, bucket, owner)

    def read(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        """Yield a result's bytes from `start` up to `stop`, a chunk at a time."""
        return read_file(self._database, Bucket.RESULTS, file, start, stop, carriers=self._carriers)

    def read_source(self, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        """Yield an upload's bytes from `start` up to `stop`, a chunk at a time."""
        return read_file(self._database, Bucket.SOURCES, file, start, stop, carriers=self._carriers)

    def survey(self, file: StoredFile) -> Survey:
        """Return what an upload's own index says of it."""
        return survey(self._database, file)

    def check(self) -> None:
        """Return if MongoDB answers."""
        with storage_errors(), timeout(_CHECK_SECONDS):
            self._database.command("ping")

    def _find(self, bucket: Bucket, file_id: str, owner: str) -> StoredFile | None:
        file = find_file(self._database, bucket, file_id)
        return file if file is not None and file.owner == owner else None
