"""Which conversions a user has begun, one entry for each, whatever became of it.

An upload's conversion has its name for the entry's id, so one that is taken up after a crash counts
once, and one that is deleted still counts for its day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import UpdateOne

from soundstrip_storage.books import CHARGES
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import Bucket


@dataclass(frozen=True)
class Charge:
    """A conversion that is begun, or runs again: the same key counts once.

    `seconds` is how long its media is; None is not known before there is a result, which is found
    by the conversion's name.
    """

    key: str
    conversion: str | None
    seconds: float | None


class Charges:
    """The entries. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents) -> None:
        self._charges = database[CHARGES]
        self._results = database[Bucket.RESULTS.files]

    def put(self, charge: Charge, owner: str, at: datetime) -> bool:
        """Write a charge down, and say whether it was not there yet."""
        entry = {"owner": owner, "at": at, "seconds": charge.seconds}
        entry |= {"conversion": charge.conversion}
        with storage_errors():
            made = self._charges.update_one(
                {"_id": charge.key}, {"$setOnInsert": entry}, upsert=True
            )
        return made.upserted_id is not None

    def name(self, names: Sequence[tuple[str, str]]) -> None:
        """Write down which conversions charges are for, by their keys."""
        changes = [
            UpdateOne({"_id": key}, {"$set": {"conversion": conversion}})
            for key, conversion in names
        ]
        with storage_errors():
            self._charges.bulk_write(changes, ordered=False)

    def remove(self, key: str) -> None:
        """Take back what was written of a conversion that never came to be."""
        with storage_errors():
            self._charges.delete_one({"_id": key})

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
            entries = list(self._charges.find(key, {"conversion": 1}))
            lengths = self._lengths(owner, [_conversion_of(entry) for entry in entries])
            for entry in entries:
                if (seconds := lengths.get(_conversion_of(entry))) is not None:
                    measured = {"$set": {"seconds": seconds}}
                    self._charges.update_one({"_id": entry["_id"], "seconds": None}, measured)

    def _lengths(self, owner: str, names: Sequence[str]) -> dict[str, float]:
        if not names:
            return {}
        key = {"metadata.owner": owner, "metadata.conversion": {"$in": list(names)}}
        fields = {"metadata.conversion": 1, "metadata.durationSeconds": 1}
        told = [found["metadata"] for found in self._results.find(key, fields)]
        return {
            metadata["conversion"]: float(metadata["durationSeconds"])
            for metadata in told
            if metadata.get("durationSeconds") is not None
        }


def _conversion_of(entry: Mapping[str, Any]) -> str:
    """An entry of an upload says no more than its id."""
    return str(entry.get("conversion") or entry["_id"])
