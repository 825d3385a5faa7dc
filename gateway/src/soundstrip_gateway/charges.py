"""Which conversions a user has begun, one entry for each, whatever became of it.

The name is the entry's id, so a conversion that is taken up after a crash counts once, and one
that is deleted still counts for its day.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from soundstrip_storage.books import CHARGES
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import Bucket


class Charges:
    """The entries. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents) -> None:
        self._charges = database[CHARGES]
        self._results = database[Bucket.RESULTS.files]

    def put(self, name: str, owner: str, at: datetime, seconds: float | None) -> bool:
        """Write down a conversion, and say whether it was not there yet.

        `seconds` is how long its media is; None is not known before there is a result.
        """
        entry = {"owner": owner, "at": at, "seconds": seconds}
        with storage_errors():
            made = self._charges.update_one({"_id": name}, {"$setOnInsert": entry}, upsert=True)
        return made.upserted_id is not None

    def remove(self, name: str) -> None:
        """Take back what was written of a conversion that never came to be."""
        with storage_errors():
            self._charges.delete_one({"_id": name})

    def count(self, owner: str, since: datetime) -> int:
        """Return how many conversions the user has begun since then."""
        with storage_errors():
            return self._charges.count_documents({"owner": owner, "at": {"$gte": since}})

    def sum_seconds(self, owner: str, since: datetime) -> float:
        """Return how many seconds of media these have, as far as it is known by now."""
        self._measure(owner, since)
        key = {"owner": owner, "at": {"$gte": since}}
        total: list[dict[str, Any]] = [
            {"$match": key},
            {"$group": {"_id": None, "seconds": {"$sum": "$seconds"}}},
        ]
        with storage_errors():
            return sum([float(found["seconds"]) for found in self._charges.aggregate(total)], 0.0)

    def _measure(self, owner: str, since: datetime) -> None:
        """Fill in what results have told in the meantime."""
        with storage_errors():
            key = {"owner": owner, "at": {"$gte": since}, "seconds": None}
            names = [str(entry["_id"]) for entry in self._charges.find(key, {"_id": 1})]
            for name, seconds in self._lengths(owner, names):
                measured = {"$set": {"seconds": seconds}}
                self._charges.update_one({"_id": name, "seconds": None}, measured)

    def _lengths(self, owner: str, names: Sequence[str]) -> list[tuple[str, float]]:
        if not names:
            return []
        key = {"metadata.owner": owner, "metadata.conversion": {"$in": list(names)}}
        fields = {"metadata.conversion": 1, "metadata.durationSeconds": 1}
        told = [found["metadata"] for found in self._results.find(key, fields)]
        return [
            (metadata["conversion"], float(metadata["durationSeconds"]))
            for metadata in told
            if metadata.get("durationSeconds") is not None
        ]
