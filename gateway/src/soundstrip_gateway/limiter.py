"""Counts requests in MongoDB, so that all replicas count together; without it, each by itself.

A limiter that refused everybody while MongoDB is away would make an outage of what goes on
without it: logging in, looking at conversions. So each replica counts alone until it is back.
"""

import random
import threading
import time
from collections.abc import Sequence
from math import ceil
from typing import Any

import pymongo
import structlog
from limits import RateLimitItem
from limits.storage import MemoryStorage, MongoDBStorageBase
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter
from pymongo.errors import PyMongoError

from soundstrip_gateway.rates import Count, Scope
from soundstrip_storage.books import RATE_COUNTERS, RATE_WINDOWS
from soundstrip_storage.connection import Documents

log = structlog.get_logger("soundstrip.limits")

_PAUSE_SECONDS = 5.0
"""How long MongoDB is left alone after it did not answer."""


class Limiter:
    """Counts, by the sliding window of the library `limits`."""

    def __init__(self, database: Documents, patience_seconds: float) -> None:
        """Let no request wait longer than `patience_seconds` for its count."""
        self._patience = patience_seconds
        self._shared = SlidingWindowCounterRateLimiter(_Windows(database))
        self._own: RateLimiter | None = None
        self._lock = threading.Lock()
        self._asleep_until = 0.0

    def hit(self, scope: Scope, key: str, items: Sequence[RateLimitItem]) -> list[Count]:
        """Count a request, and return where its sender stands by each limit."""
        if time.monotonic() >= self._asleep_until:
            try:
                with pymongo.timeout(self._patience):
                    return [_count(self._shared, scope, key, item) for item in items]
            except PyMongoError as error:
                self._rest(error)
        own = self._counting_alone()
        return [_count(own, scope, key, item) for item in items]

    def _rest(self, error: PyMongoError) -> None:
        pause = _PAUSE_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._asleep_until = time.monotonic() + pause
        log.warning("requests are counted by this replica alone", cause=type(error).__name__)

    def _counting_alone(self) -> RateLimiter:
        """Its storage starts a thread, so it is made when it is needed: gunicorn forks first."""
        with self._lock:
            if self._own is None:
                self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
            return self._own


def _count(limiter: RateLimiter, scope: Scope, key: str, item: RateLimitItem) -> Count:
    allowed = limiter.hit(item, scope, key)
    reset, remaining = limiter.get_window_stats(item, scope, key)
    return Count(scope, item, max(0, remaining), max(0, ceil(reset - time.time())), allowed)


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
