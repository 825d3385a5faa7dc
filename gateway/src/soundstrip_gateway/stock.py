"""What is stored, by owner: for those who have to find room."""

from dataclasses import dataclass
from typing import Any

from pymongo import timeout

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import INTENTS, Bucket

_SECONDS = 20.0
_MOST_OWNERS = 1000


@dataclass(frozen=True)
class Holding:
    """Files of one owner in one bucket, and their bytes."""

    owner: str
    bucket: Bucket
    files: int
    bytes: int


@dataclass(frozen=True)
class Disk:
    """What MongoDB says of its disk, in bytes: what the database takes, and the file system."""

    database: int
    used: int
    total: int


class Stock:
    """Counts. Every method raises StorageUnavailable if MongoDB is away, or takes too long."""

    def __init__(self, database: Documents) -> None:
        self._database = database

    def by_owner(self) -> list[Holding]:
        """Return the thousand largest of each bucket, largest first."""
        found = [holding for bucket in Bucket for holding in self._count(bucket)]
        return sorted(found, key=lambda holding: holding.bytes, reverse=True)

    def count_intents(self) -> int:
        """Return how many uploads are under way, or were broken off and wait for the sweep."""
        with storage_errors(), timeout(_SECONDS):
            return self._database[INTENTS].count_documents({})

    def disk(self) -> Disk:
        """Return what there is and is used."""
        with storage_errors(), timeout(_SECONDS):
            told = self._database.command("dbStats")
        return Disk(
            database=int(told["totalSize"]),
            used=int(told.get("fsUsedSize", 0)),
            total=int(told.get("fsTotalSize", 0)),
        )

    def _count(self, bucket: Bucket) -> list[Holding]:
        count: list[dict[str, Any]] = [
            {
                "$group": {
                    "_id": "$metadata.owner",
                    "files": {"$sum": 1},
                    "bytes": {"$sum": "$length"},
                }
            },
            {"$sort": {"bytes": -1}},
            {"$limit": _MOST_OWNERS},
        ]
        with storage_errors(), timeout(_SECONDS):
            found = list(self._database[bucket.files].aggregate(count))
        return [
            Holding(str(each["_id"]), bucket, int(each["files"]), int(each["bytes"]))
            for each in found
        ]
