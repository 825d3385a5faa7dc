"""Remembers for a moment what a store said: what changes seldom is not asked for each request."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_MOST = 10_000


class Memory(Generic[K, V]):
    """Values that are believed for some seconds, a bounded number of them."""

    def __init__(
        self, seconds: float, load: Callable[[K], V], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._load = load
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V:
        """Return the value, loaded again if it is too old; raises what loading raises."""
        with self._lock:
            known = self._known.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        value = self._load(key)
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (self._clock() + self._seconds, value)
        return value

    def forget(self, key: K) -> None:
        """Load the value anew next time."""
        with self._lock:
            self._known.pop(key, None)
