"""Counts requests where all replicas count together; while that is away, each by itself.

A limiter that refused everybody for the sake of its counts would make an outage of what goes on
without them. So each replica counts alone until they are back.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import ceil
from typing import Any

import structlog
from limits import RateLimitItem
from limits.storage import MemoryStorage, SlidingWindowCounterSupport, Storage
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter

from soundstrip_service.rates import Count, Scope

log = structlog.get_logger("soundstrip.limits")

_PAUSE_SECONDS = 5.0
"""How long the counts are left alone after they were not to be had."""


class Windows(Storage, SlidingWindowCounterSupport):
    """The base of a storage of `limits` that counts by sliding windows, and in no other way."""

    STORAGE_SCHEME = None
    base_exceptions = ()
    """What the library is to catch: nothing."""

    def _count_otherwise(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - whatever it is
        raise NotImplementedError

    incr = get = get_expiry = check = reset = clear = _count_otherwise


class Limiter:
    """Counts, by the sliding window of the library `limits`."""

    def __init__(
        self,
        windows: Storage,
        outage: type[Exception],
        patience: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """Count in `windows`, which raises `outage` when it is away.

        Args:
            windows: The counts of all replicas, by sliding windows.
            outage: What it raises when it can't be had.
            patience: Bounds the time of what is done inside.
        """
        self._shared = SlidingWindowCounterRateLimiter(windows)
        self._outage = outage
        self._patience = patience
        self._own: RateLimiter | None = None
        self._lock = threading.Lock()
        self._asleep_until = 0.0

    def hit(self, scope: Scope, key: str, items: Sequence[RateLimitItem]) -> list[Count]:
        """Count a request, and return where its sender stands by each limit."""
        if not items:
            return []
        if time.monotonic() >= self._asleep_until:
            try:
                with self._patience():
                    return [_count(self._shared, scope, key, item) for item in items]
            except self._outage as error:
                self._rest(error)
        return self.hit_alone(scope, key, items)

    def hit_alone(self, scope: Scope, key: str, items: Sequence[RateLimitItem]) -> list[Count]:
        """Count a request in this process alone: of what costs the others nothing."""
        own = self._counting_alone()
        return [_count(own, scope, key, item) for item in items]

    def _rest(self, error: Exception) -> None:
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
