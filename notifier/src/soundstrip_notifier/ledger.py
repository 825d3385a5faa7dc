"""What was delivered, remembered in MongoDB."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from soundstrip_notifier.errors import Unavailable

COLLECTION = "deliveries"
OPERATION_SECONDS = 5
"""The bound of one operation, its retries by the driver included."""

Document = dict[str, Any]


def delivery_key(event_id: str, channel: str, target: str) -> str:
    """Return the key under which a delivery is remembered."""
    return f"{event_id}/{channel}/{target}"


class Ledger:
    """The collection `deliveries`; safe to use from several threads."""

    def __init__(
        self,
        client: "MongoClient[Document]",
        database: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._deliveries = client[database].get_collection(
            COLLECTION, write_concern=WriteConcern("majority")
        )
        self._clock = clock
        self._lock = threading.Lock()
        self._unrecorded: dict[str, datetime] = {}

    def was_delivered(self, key: str) -> bool:
        """Whether this was delivered before; writes down what could not be written then.

        Raises:
            Unavailable: MongoDB does not answer.
        """
        with self._lock:
            delivered_at = self._unrecorded.get(key)
        if delivered_at is not None:
            self._write(key, delivered_at)
            return True
        try:
            return self._deliveries.find_one({"_id": key}, {"_id": 1}) is not None
        except PyMongoError as error:
            raise _unavailable(error) from error

    def record(self, key: str) -> None:
        """Remember a delivery; in this process at once, whatever becomes of the write.

        Raises:
            Unavailable: MongoDB did not confirm it; `was_delivered` will try again.
        """
        delivered_at = self._clock()
        with self._lock:
            self._unrecorded[key] = delivered_at
        self._write(key, delivered_at)

    def check(self) -> None:
        """Return if MongoDB answers.

        Raises:
            Unavailable: it does not.
        """
        try:
            self._client.admin.command("ping")
        except PyMongoError as error:
            raise _unavailable(error) from error

    def _write(self, key: str, delivered_at: datetime) -> None:
        entry = {"$setOnInsert": {"sentAt": delivered_at}}
        try:
            self._deliveries.update_one({"_id": key}, entry, upsert=True)
        except PyMongoError as error:
            raise _unavailable(error) from error
        with self._lock:
            self._unrecorded.pop(key, None)


def _unavailable(error: PyMongoError) -> Unavailable:
    return Unavailable(f"MongoDB did not answer: {type(error).__name__}: {str(error)[:200]}")
