"""Asks the operator for a sweep, and tells what became of it; the operator alone removes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from soundstrip_storage.books import SWEEPS
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors


class Sweeps:
    """The requests. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents, install: str) -> None:
        self._sweeps = database[SWEEPS]
        self._key = {"_id": install}

    def request(self, by: str) -> Mapping[str, Any]:
        """Ask for a sweep now; asked twice, it is one."""
        asked = {"$set": {"requestedAt": datetime.now(UTC), "requestedBy": by}}
        with storage_errors():
            self._sweeps.update_one(self._key, asked, upsert=True)
        return self.latest()

    def latest(self) -> Mapping[str, Any]:
        """Return the request and the last outcome; empty if there was neither."""
        with storage_errors():
            return self._sweeps.find_one(self._key, {"_id": 0}) or {}
