"""What the operator asks of the store: who owns a source, who uses it, and is there a result.

The operator moves no bytes, so this is asyncio and metadata only.
"""

from typing import Any

from bson import ObjectId

from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import INTENTS, Bucket, StoredFile, parse_file_id

_SOURCES = Bucket.SOURCES
_RESULTS = Bucket.RESULTS


class Ledger:
    """The file documents of one database. Every method raises StorageUnavailable."""

    def __init__(self, database: AsyncDocuments) -> None:
        self._database = database

    async def ping(self) -> None:
        """Ask the server whether it is there."""
        with storage_errors():
            await self._database.command("ping")

    async def find_source(self, file_id: str) -> StoredFile | None:
        """Return the complete source with this id, whoever owns it."""
        with storage_errors():
            document = await self._database[_SOURCES.files].find_one(_key(file_id))
        return _parse(document)

    async def claim_source(self, file_id: str, owner: str, uid: str) -> StoredFile | None:
        """Add the conversion's uid to the source's refs; None if the owner has no such source."""
        key = _key(file_id) | {"metadata.owner": owner}
        claim = {"$addToSet": {"metadata.refs": uid}}
        with storage_errors():
            document = await self._database[_SOURCES.files].find_one_and_update(
                key, claim, return_document=True
            )
        return _parse(document)

    async def find_result(self, uid: str, run: int) -> StoredFile | None:
        """Return the result of a conversion's run, if one is stored."""
        key = {"metadata.conversionUid": uid, "metadata.run": run}
        with storage_errors():
            document = await self._database[_RESULTS.files].find_one(key)
        return _parse(document)

    async def remove_results(self, uid: str) -> None:
        """Remove every result of a conversion.

        Chunks go before the document: killed in between, the next call still finds them.
        """
        with storage_errors():
            found = self._database[_RESULTS.files].find({"metadata.conversionUid": uid}, {"_id": 1})
            for document in await found.to_list():
                await self._remove_chunks(_RESULTS, document["_id"])
                await self._database[_RESULTS.files].delete_one({"_id": document["_id"]})

    async def release_source(self, file_id: str, uid: str) -> None:
        """Take back a claim, and remove the source when it was the last one.

        A conversion that never held a claim removes nothing.
        """
        key = _key(file_id)
        files = self._database[_SOURCES.files]
        with storage_errors():
            if await files.find_one_and_delete(key | {"metadata.refs": [uid]}) is None:
                await self._give_back(key, uid)
            await self._remove_orphaned_chunks(key)

    async def _give_back(self, key: dict[str, Any], uid: str) -> None:
        files = self._database[_SOURCES.files]
        pull = {"$pull": {"metadata.refs": uid}}
        pulled = await files.update_one(key | {"metadata.refs": uid}, pull)
        if pulled.modified_count:
            # Of two that give back at the same moment, the second finds no other left.
            await files.find_one_and_delete(key | {"metadata.refs": []})

    async def _remove_orphaned_chunks(self, key: dict[str, Any]) -> None:
        """Without a document and an intent, chunks belong to nobody."""
        for collection in (_SOURCES.files, INTENTS):
            if await self._database[collection].find_one(key, {"_id": 1}):
                return
        await self._remove_chunks(_SOURCES, key["_id"])

    async def _remove_chunks(self, bucket: Bucket, file_id: ObjectId) -> None:
        await self._database[bucket.chunks].delete_many({"files_id": file_id})


def _key(file_id: str) -> dict[str, Any]:
    # The CRD's pattern has let nothing malformed in; an id that is none matches no document.
    return {"_id": parse_file_id(file_id)}


def _parse(document: dict[str, Any] | None) -> StoredFile | None:
    return StoredFile.parse(document) if document else None
