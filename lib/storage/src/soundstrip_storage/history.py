"""The archive as the gateway reads it: found by name, searched, and an entry taken out for good."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from soundstrip_storage.archive import ArchivedConversion
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import ARCHIVE

_CANCELLED = "Cancelled"
_BATCH_SIZE = 101

_BY_STATE: Mapping[str, Mapping[str, Any]] = {
    "succeeded": {"status": "True"},
    "failed": {"status": "False", "reason": {"$ne": _CANCELLED}},
    "cancelled": {"status": "False", "reason": _CANCELLED},
}
"""What the condition Succeeded looks like; in other states nothing is archived."""


@dataclass(frozen=True)
class Criteria:
    """Which conversions are meant: those for which all of this holds; what is empty asks nothing.

    Spans of time begin with their first moment and end before their second.
    """

    states: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    text: str = ""
    """A part of the file's name, in whatever case."""
    file_id: str = ""
    sha256: str = ""
    batch_label: str = ""
    """The label by which a batch marks its conversions, and the batch's name."""
    batch: str = ""
    created: tuple[datetime | None, datetime | None] = (None, None)
    finished: tuple[datetime | None, datetime | None] = (None, None)


@dataclass(frozen=True)
class Share:
    """Entries with one outcome: its status and reason, how many, and what of them there is."""

    status: str
    reason: str
    count: int
    count_since: int
    """Those that were made since a moment."""
    media_seconds: float


class Field(StrEnum):
    """What a list can be ordered by."""

    CREATED = "createdAt"
    FINISHED = "finishedAt"
    FILENAME = "filename"


@dataclass(frozen=True)
class Order:
    """How a list is ordered; equals by name, in the same direction."""

    field: Field = Field.CREATED
    descending: bool = True


@dataclass(frozen=True, order=True)
class Place:
    """A conversion's place in an order."""

    value: Any
    name: str


class History:
    """The archive, without asyncio. Every method raises StorageUnavailable."""

    def __init__(self, database: Documents) -> None:
        self._entries = database[ARCHIVE]

    def find(self, owner: str, name: str) -> ArchivedConversion | None:
        """Return the owner's youngest entry of this name."""
        with storage_errors():
            document = self._entries.find_one(
                {"owner": owner, "name": name}, sort=[("createdAt", -1), ("archivedAt", -1)]
            )
        return ArchivedConversion.parse(document) if document else None

    def select(
        self, owner: str, criteria: Criteria, order: Order, after: Place | None
    ) -> Iterator[ArchivedConversion]:
        """Yield the owner's entries behind a place; those that a newer one replaced are left out.

        The criteria choose by what is stored, which may be a little more than what is meant.
        """
        query = {"owner": owner, "replacedBy": None, "$and": _conditions(criteria)}
        if after is not None:
            query |= _behind(order, after)
        direction = -1 if order.descending else 1
        with storage_errors():
            found = self._entries.find(query).batch_size(_BATCH_SIZE)
            with found.sort([(_path(order), direction), ("name", direction)]) as documents:
                for document in documents:
                    yield ArchivedConversion.parse(document)

    def summarize(self, owner: str, since: datetime, besides: Collection[str]) -> list[Share]:
        """Return what the owner's entries come to, without those of these uids."""
        wanted = {"owner": owner, "replacedBy": None, "_id": {"$nin": list(besides)}}
        succeeded = {"$eq": ["$$this.type", "Succeeded"]}
        outcome = {"$first": {"$filter": {"input": "$status.conditions", "cond": succeeded}}}
        entry = {
            "outcome": outcome,
            "seconds": {"$ifNull": ["$status.media.durationSeconds", 0]},
            "since": {"$cond": [{"$gte": ["$createdAt", since]}, 1, 0]},
        }
        sums = {
            "_id": {"status": "$outcome.status", "reason": "$outcome.reason"},
            "count": {"$sum": 1},
            "since": {"$sum": "$since"},
            "seconds": {"$sum": "$seconds"},
        }
        stages: list[dict[str, Any]] = [{"$match": wanted}, {"$project": entry}, {"$group": sums}]
        with storage_errors():
            return [
                Share(
                    status=each["_id"].get("status", ""),
                    reason=each["_id"].get("reason", ""),
                    count=each["count"],
                    count_since=each["since"],
                    media_seconds=float(each["seconds"]),
                )
                for each in self._entries.aggregate(stages)
            ]

    def replace(self, owner: str, name: str, uid: str) -> None:
        """Let the entries of this name stand behind a conversion that was made anew."""
        key = {"owner": owner, "name": name, "_id": {"$ne": uid}}
        with storage_errors():
            self._entries.update_many(key, {"$set": {"replacedBy": uid}})

    def entries(self, owner: str, name: str) -> list[ArchivedConversion]:
        """Return all entries of this name, also those that were replaced."""
        with storage_errors():
            return [
                ArchivedConversion.parse(document)
                for document in self._entries.find({"owner": owner, "name": name})
            ]


def _path(order: Order) -> str:
    return "spec.source.filename" if order.field is Field.FILENAME else order.field.value


def _behind(order: Order, after: Place) -> dict[str, Any]:
    path, side = _path(order), "$lt" if order.descending else "$gt"
    return {
        "$or": [
            {path: {side: after.value}},
            {path: after.value, "name": {side: after.name}},
        ]
    }


def _conditions(criteria: Criteria) -> list[dict[str, Any]]:
    wanted: dict[str, Any] = {}
    if criteria.text:
        wanted["spec.source.filename"] = {"$regex": re.escape(criteria.text), "$options": "i"}
    if criteria.file_id:
        wanted["spec.source.fileId"] = criteria.file_id
    if criteria.sha256:
        wanted["spec.source.sha256"] = criteria.sha256
    for field, span in (("createdAt", criteria.created), ("finishedAt", criteria.finished)):
        words = {word: at for word, at in zip(("$gte", "$lt"), span, strict=True) if at}
        if words:
            wanted[field] = words
    return [wanted, *_by_state(criteria), *_by_format(criteria), *_by_batch(criteria)]


def _by_state(criteria: Criteria) -> list[dict[str, Any]]:
    if not criteria.states:
        return []
    ends: list[dict[str, Any]] = [
        {"status.conditions": {"$elemMatch": {"type": "Succeeded", **_BY_STATE[state]}}}
        for state in sorted(criteria.states & _BY_STATE.keys())
    ]
    return [{"$or": ends or [{"_id": None}]}]


def _by_format(criteria: Criteria) -> list[dict[str, Any]]:
    """What was never accepted has no output that is settled, only what was asked for."""
    if not criteria.formats:
        return []
    formats = {"$in": sorted(criteria.formats)}
    return [{"$or": [{"status.output.format": formats}, {"status.output": None}]}]


def _by_batch(criteria: Criteria) -> list[dict[str, Any]]:
    """A label's key has dots in it, which a path would take apart."""
    if not criteria.batch:
        return []
    label = {"$getField": {"field": {"$literal": criteria.batch_label}, "input": "$labels"}}
    return [{"$expr": {"$eq": [label, criteria.batch]}}]
