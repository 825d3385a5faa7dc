"""Conversions whose objects are gone from the cluster: etcd is not history."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import ARCHIVE


@dataclass(frozen=True)
class ArchivedConversion:
    """A finished VideoConversion as it last was; `spec` and `status` are the object's own JSON."""

    uid: str
    name: str
    namespace: str
    install: str
    owner: str
    """The id of the user whose conversion it is."""
    labels: Mapping[str, str]
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    created_at: datetime
    finished_at: datetime
    archived_at: datetime

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read an entry."""
        return cls(
            uid=document["_id"],
            name=document["name"],
            namespace=document["namespace"],
            install=document["install"],
            owner=document["owner"],
            labels=document["labels"],
            spec=document["spec"],
            status=document["status"],
            created_at=document["createdAt"],
            finished_at=document["finishedAt"],
            archived_at=document["archivedAt"],
        )

    def to_document(self) -> dict[str, Any]:
        """Return the entry of the collection `archive`."""
        return {
            "_id": self.uid,
            "name": self.name,
            "namespace": self.namespace,
            "install": self.install,
            "owner": self.owner,
            "labels": self.labels,
            "spec": self.spec,
            "status": self.status,
            "createdAt": self.created_at,
            "finishedAt": self.finished_at,
            "archivedAt": self.archived_at,
        }


class Archive:
    """The archive, for asyncio. Every method raises StorageUnavailable."""

    def __init__(self, database: AsyncDocuments) -> None:
        self._entries = database[ARCHIVE]

    async def put(self, conversion: ArchivedConversion) -> None:
        """Write the entry, in the place of an older one; most of the servers have it on return."""
        document = conversion.to_document()
        with storage_errors():
            await self._entries.replace_one({"_id": conversion.uid}, document, upsert=True)

    async def find_uids(self, uids: Collection[str]) -> frozenset[str]:
        """Return those of these uids that stand in the archive, whichever installation's."""
        with storage_errors():
            found = self._entries.find({"_id": {"$in": list(uids)}}, {"_id": 1})
            return frozenset(str(entry["_id"]) for entry in await found.to_list())

    async def remove(self, uid: str) -> None:
        """Remove the entry, if there is one; it goes last, so that a removal can be taken up."""
        with storage_errors():
            await self._entries.delete_one({"_id": uid})
