"""What a conversion leaves behind, removed by the gateway where no operator will do it."""

from typing import Any

from bson import ObjectId

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import ARCHIVE, INTENTS, Bucket, parse_file_id

_SOURCES = Bucket.SOURCES
_RESULTS = Bucket.RESULTS


class Estate:
    """The same steps as Ledger's, without asyncio. Every method raises StorageUnavailable."""

    def __init__(self, database: Documents) -> None:
        self._database = database

    def remove(self, uid: str, file_id: str) -> None:
        """Remove a conversion's results, its claim on the source, and its archive entry.

        The entry goes last: killed in between, the next call still finds what is left.
        """
        self._remove_results(uid)
        self._release_source(file_id, uid)
        self.forget(uid)

    def forget(self, uid: str) -> None:
        """Remove the archive entry alone, where an operator sees to the rest."""
        with storage_errors():
            self._database[ARCHIVE].delete_one({"_id": uid})

    def _remove_results(self, uid: str) -> None:
        with storage_errors():
            files = self._database[_RESULTS.files]
            for document in list(files.find({"metadata.conversionUid": uid}, {"_id": 1})):
                self._remove_chunks(_RESULTS, document["_id"])
                files.delete_one({"_id": document["_id"]})

    def _release_source(self, file_id: str, uid: str) -> None:
        """A conversion that never held a claim removes nothing."""
        key: dict[str, Any] = {"_id": parse_file_id(file_id)}
        files = self._database[_SOURCES.files]
        with storage_errors():
            if files.find_one_and_delete(key | {"metadata.refs": [uid]}) is None:
                pull = {"$pull": {"metadata.refs": uid}}
                if files.update_one(key | {"metadata.refs": uid}, pull).modified_count:
                    files.find_one_and_delete(key | {"metadata.refs": []})
            self._remove_orphaned_chunks(key)

    def _remove_orphaned_chunks(self, key: dict[str, Any]) -> None:
        """Without a document and an intent, chunks belong to nobody."""
        for collection in (_SOURCES.files, INTENTS):
            if self._database[collection].find_one(key, {"_id": 1}):
                return
        self._remove_chunks(_SOURCES, key["_id"])

    def _remove_chunks(self, bucket: Bucket, file_id: ObjectId) -> None:
        self._database[bucket.chunks].delete_many({"files_id": file_id})
