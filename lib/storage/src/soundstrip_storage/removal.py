"""Takes a blob away, so that a kill in the middle leaves nothing that nobody knows of."""

from datetime import datetime
from typing import Any

from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.inventory import Blob
from soundstrip_storage.layout import INTENTS, Bucket


class Removal:
    """Removes blobs of one installation. Every method raises StorageUnavailable."""

    def __init__(self, database: AsyncDocuments, install: str) -> None:
        self._database = database
        self._install = install

    async def remove(self, blob: Blob, now: datetime) -> bool:
        """Remove the blob if it is still as it was seen, and say whether it was.

        An intent comes first, then the document goes, so that no reader finds half a file, then
        the chunks: what a kill leaves stands under the intent, as the remains of an upload do.
        """
        with storage_errors():
            if not await (self._remove_document(blob, now) if blob.complete else self._seen(blob)):
                return False
            await self._database[blob.bucket.chunks].delete_many({"files_id": blob.id})
            await self._database[INTENTS].delete_one({"_id": blob.id})
        return True

    async def _remove_document(self, blob: Blob, now: datetime) -> bool:
        key = {"_id": blob.id}
        intent = {
            "bucket": str(blob.bucket),
            "install": self._install,
            "owner": blob.owner,
            "startedAt": now,
            "touchedAt": now,
        }
        await self._database[INTENTS].update_one(key, {"$set": intent}, upsert=True)
        removed = await self._database[blob.bucket.files].find_one_and_delete(key | _users(blob))
        if removed is None:
            await self._database[INTENTS].delete_one(key)
        return removed is not None

    async def _seen(self, blob: Blob) -> bool:
        key = {"_id": blob.id, "touchedAt": blob.touched_at}
        return await self._database[INTENTS].find_one(key, {"_id": 1}) is not None


def _users(blob: Blob) -> dict[str, Any]:
    """A source that was claimed in between is another one."""
    return {"metadata.refs": list(blob.users)} if blob.bucket is Bucket.SOURCES else {}
