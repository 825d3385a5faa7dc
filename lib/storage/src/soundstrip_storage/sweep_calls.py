"""Sweeps that an administrator asks for, and what each sweep did, as the operator writes it."""

from collections.abc import Mapping
from datetime import datetime

from soundstrip_storage.books import SWEEPS
from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.errors import storage_errors


class SweepCalls:
    """One installation's. Every method raises StorageUnavailable."""

    def __init__(self, database: AsyncDocuments, install: str) -> None:
        self._sweeps = database[SWEEPS]
        self._key = {"_id": install}

    async def is_wanted(self) -> bool:
        """Say whether a sweep was asked for since the last one began."""
        later = {"$expr": {"$gt": ["$requestedAt", "$startedAt"]}}
        with storage_errors():
            return await self._sweeps.find_one(self._key | later, {"_id": 1}) is not None

    async def begin(self, at: datetime) -> None:
        """Write down that a sweep begins: what is asked for from now on is another one."""
        with storage_errors():
            await self._sweeps.update_one(self._key, {"$set": {"startedAt": at}}, upsert=True)

    async def end(self, at: datetime, tally: Mapping[str, int], *, stopped: bool) -> None:
        """Write down what the sweep did; `stopped` if a brake held it."""
        outcome = {"finishedAt": at, "tally": dict(tally), "stopped": stopped}
        with storage_errors():
            await self._sweeps.update_one(self._key, {"$set": outcome}, upsert=True)
