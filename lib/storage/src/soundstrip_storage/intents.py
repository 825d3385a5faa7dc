"""What stands for a file before its document does: somebody is at it, and what it is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import INTENTS, Bucket, StoredFile

_MOST_LEFT = 1000
"""At one look; what is more is seen at the next."""


@dataclass(frozen=True)
class Left:
    """A complete source that was stored for something which has not become of it yet."""

    file: StoredFile
    order: str


def begin_intent(
    database: Documents, bucket: Bucket, file_id: str, *, install: str, owner: str
) -> None:
    """Write down that a file is begun."""
    now = datetime.now(UTC)
    intent = {
        "_id": ObjectId(file_id),
        "bucket": str(bucket),
        "install": install,
        "owner": owner,
        "startedAt": now,
        "touchedAt": now,
    }
    with storage_errors():
        database[INTENTS].insert_one(intent)


def touch_intent(database: Documents, file_id: str, at: datetime) -> None:
    """Give a sign of life; one that lies ahead counts until then."""
    with storage_errors():
        database[INTENTS].update_one({"_id": ObjectId(file_id)}, {"$set": {"touchedAt": at}})


def keep_order(database: Documents, file_id: str, order: str) -> None:
    """Write down what is to be made of a file, for whoever takes it up if its writer dies."""
    kept = {"order": order, "touchedAt": datetime.now(UTC)}
    with storage_errors():
        database[INTENTS].update_one({"_id": ObjectId(file_id)}, {"$set": kept})


def settle_intent(database: Documents, file_id: str) -> None:
    """Remove the intent of a file that something else stands for now."""
    with storage_errors():
        database[INTENTS].delete_one({"_id": ObjectId(file_id)})


def find_order(database: Documents, file_id: str) -> Left | None:
    """Return a complete source whose order nobody has seen to yet, by its id."""
    key = {"_id": ObjectId(file_id)}
    with storage_errors():
        intent = database[INTENTS].find_one(key | {"order": {"$exists": True}}, {"order": 1})
        file = database[Bucket.SOURCES.files].find_one(key) if intent else None
    return Left(StoredFile.parse(file), intent["order"]) if intent and file else None


def find_left(database: Documents, install: str, before: datetime) -> Iterator[Left]:
    """Yield the complete sources whose orders nobody has seen to since then, oldest first.

    Raises:
        StorageUnavailable: If MongoDB does not answer.
    """
    where: dict[str, Any] = {"install": install, "bucket": str(Bucket.SOURCES)}
    where |= {"order": {"$exists": True}, "touchedAt": {"$lt": before}}
    with storage_errors():
        found = database[INTENTS].find(where, {"order": 1}).sort("_id", 1).limit(_MOST_LEFT)
        intents = {intent["_id"]: intent["order"] for intent in found}
        files = database[Bucket.SOURCES.files].find({"_id": {"$in": list(intents)}})
        for document in files.sort("_id", 1):
            yield Left(StoredFile.parse(document), intents[document["_id"]])
