"""Requests are counted in MongoDB, so that all replicas count together."""

from functools import partial
from typing import Any

import pymongo
from limits.storage import MongoDBStorageBase
from pymongo.errors import PyMongoError

from soundstrip_service.limiter import Limiter
from soundstrip_storage.books import RATE_COUNTERS, RATE_WINDOWS
from soundstrip_storage.connection import Documents


def build_limiter(database: Documents, patience_seconds: float) -> Limiter:
    """Return a limiter that lets no request wait longer than `patience_seconds` for its count."""
    return Limiter(_Windows(database), PyMongoError, partial(pymongo.timeout, patience_seconds))


class _Windows(MongoDBStorageBase):
    """The library's storage, over the connections that there are already."""

    STORAGE_SCHEME = None

    def __init__(self, database: Documents) -> None:
        super().__init__(
            "mongodb://",
            database_name=database.name,
            counter_collection_name=RATE_COUNTERS,
            window_collection_name=RATE_WINDOWS,
        )
        self._own_client = database.client

    def _init_mongo_client(self, uri: str | None, **options: Any) -> Any:  # noqa: ANN401 - the library's signature
        return self._own_client

    def __del__(self) -> None:
        """Leave the client open: it is not the library's."""
