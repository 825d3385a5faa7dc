"""What one installation has stored, for those who remove what nobody needs any longer.

Memory does not grow with the number of files: everything comes in pages, in the order of the ids.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bson import ObjectId

from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import INTENTS, Bucket

Document = dict[str, Any]

_PAGE = 1000
_FILE_FIELDS = {
    "uploadDate": 1,
    "metadata.owner": 1,
    "metadata.refs": 1,
    "metadata.conversionUid": 1,
    "metadata.markedAt": 1,
}


@dataclass(frozen=True)
class Blob:
    """A file, or the chunks that an upload has left which never became one."""

    id: ObjectId
    bucket: Bucket
    owner: str
    complete: bool
    """Whether the file's document stands."""
    stored_at: datetime
    """When it was complete; without a document, when it was begun."""
    users: tuple[str, ...] = ()
    """The uids of the conversions that it is for."""
    touched_at: datetime | None = None
    """When its writer last gave a sign of life; None without an intent."""
    marked_at: datetime | None = None
    """Since when it is known that nobody needs it."""


class Inventory:
    """One installation's files and intents. Every method raises StorageUnavailable."""

    def __init__(self, database: AsyncDocuments, install: str) -> None:
        self._database = database
        self._install = install

    async def files(
        self,
        bucket: Bucket,
        *,
        stored_before: datetime | None = None,
        marked_by: datetime | None = None,
    ) -> AsyncIterator[tuple[Blob, ...]]:
        """Yield the complete files, in pages."""
        where: Document = {"metadata.install": self._install}
        if stored_before is not None:
            where["uploadDate"] = {"$lt": stored_before}
        if marked_by is not None:
            where["metadata.markedAt"] = {"$lte": marked_by}
        async for page in self._pages(bucket.files, where, _FILE_FIELDS):
            touched = await self._find_touches([document["_id"] for document in page])
            yield tuple(_file(bucket, document, touched) for document in page)

    async def remains(
        self, touched_before: datetime, marked_by: datetime | None = None
    ) -> AsyncIterator[tuple[Blob, ...]]:
        """Yield, in pages, what stands under an intent that was not touched for long."""
        where: Document = {"install": self._install, "touchedAt": {"$lt": touched_before}}
        if marked_by is not None:
            where["markedAt"] = {"$lte": marked_by}
        async for page in self._pages(INTENTS, where):
            complete = await self._find_complete(page)
            yield tuple(_remains(document) for document in page if document["_id"] not in complete)

    async def settle_intents(self, touched_before: datetime) -> None:
        """Remove the old intents of files that are complete: their documents stand for them.

        One with an order stays: what was to become of its file has not become of it yet.
        """
        stale: Document = {"touchedAt": {"$lt": touched_before}, "order": {"$exists": False}}
        async for page in self._pages(INTENTS, {"install": self._install} | stale):
            complete = await self._find_complete(page)
            with storage_errors():
                await self._database[INTENTS].delete_many({"_id": {"$in": list(complete)}} | stale)

    async def mark(self, blobs: Iterable[Blob], at: datetime | None) -> None:
        """Write down since when nobody needs these; with None, that somebody does."""
        by_place: dict[tuple[str, str], list[ObjectId]] = {}
        for blob in blobs:
            by_place.setdefault(_place_of_mark(blob), []).append(blob.id)
        for (collection, field), ids in by_place.items():
            update = {"$set": {field: at}} if at is not None else {"$unset": {field: ""}}
            with storage_errors():
                await self._database[collection].update_many({"_id": {"$in": ids}}, update)

    async def count_orphans(self, bucket: Bucket, begun_before: datetime) -> int:
        """Count the ids under which there are only chunks, with neither document nor intent.

        Nothing says whose they are, so all installations' are counted.
        """
        after, end = ObjectId("0" * 24), ObjectId.from_datetime(begun_before)
        count = 0
        async for page in self._pages(bucket.files, {"_id": {"$lt": end}}, {"_id": 1}):
            last = page[-1]["_id"]
            count += await self._count_orphans_between(bucket, after, last)
            after = last
        return count + await self._count_orphans_between(bucket, after, end)

    async def _count_orphans_between(self, bucket: Bucket, after: ObjectId, end: ObjectId) -> int:
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"files_id": {"$gt": after, "$lt": end}}},
            {"$group": {"_id": "$files_id"}},
        ]
        for collection in (bucket.files, INTENTS):
            lookup = {"from": collection, "localField": "_id", "foreignField": "_id", "as": "by"}
            pipeline += [{"$lookup": lookup}, {"$match": {"by": []}}]
        with storage_errors():
            counting = await self._database[bucket.chunks].aggregate([*pipeline, {"$count": "n"}])
            return sum([int(counted["n"]) for counted in await counting.to_list()])

    async def _pages(
        self, collection: str, where: Document, fields: Document | None = None
    ) -> AsyncIterator[list[Document]]:
        key = where
        while True:
            with storage_errors():
                found = self._database[collection].find(key, fields).sort("_id", 1).limit(_PAGE)
                page = await found.to_list()
            if page:
                yield page
            if len(page) < _PAGE:
                return
            key = {"$and": [where, {"_id": {"$gt": page[-1]["_id"]}}]}

    async def _find_touches(self, ids: list[ObjectId]) -> dict[ObjectId, datetime]:
        with storage_errors():
            found = self._database[INTENTS].find({"_id": {"$in": ids}}, {"touchedAt": 1})
            return {intent["_id"]: intent["touchedAt"] for intent in await found.to_list()}

    async def _find_complete(self, intents: list[Document]) -> set[ObjectId]:
        complete: set[ObjectId] = set()
        for bucket in Bucket:
            ids = [intent["_id"] for intent in intents if intent["bucket"] == bucket]
            with storage_errors():
                found = self._database[bucket.files].find({"_id": {"$in": ids}}, {"_id": 1})
                complete |= {document["_id"] for document in await found.to_list()}
        return complete


def _file(bucket: Bucket, document: Document, touched: Mapping[ObjectId, datetime]) -> Blob:
    metadata = document["metadata"]
    is_source = bucket is Bucket.SOURCES
    return Blob(
        id=document["_id"],
        bucket=bucket,
        owner=metadata["owner"],
        complete=True,
        stored_at=document["uploadDate"],
        users=tuple(metadata["refs"]) if is_source else (metadata["conversionUid"],),
        touched_at=touched.get(document["_id"]),
        marked_at=metadata.get("markedAt"),
    )


def _remains(intent: Document) -> Blob:
    return Blob(
        id=intent["_id"],
        bucket=Bucket(intent["bucket"]),
        owner=intent["owner"],
        complete=False,
        stored_at=intent["startedAt"],
        touched_at=intent["touchedAt"],
        marked_at=intent.get("markedAt"),
    )


def _place_of_mark(blob: Blob) -> tuple[str, str]:
    return (blob.bucket.files, "metadata.markedAt") if blob.complete else (INTENTS, "markedAt")
