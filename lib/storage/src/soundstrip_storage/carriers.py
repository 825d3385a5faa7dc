"""Threads that carry chunks to the store and from it, beside whoever makes or sends the bytes."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from soundstrip_storage.errors import StorageUnavailable

T = TypeVar("T")

_THREADS = 4
"""Inserts at once; more than two for one file, or four for many, were no faster."""

_AHEAD_SECONDS = 45.0
"""How long a reader waits for its next batch; the driver itself gives up sooner."""

_MOST_CHUNKS = 16
"""In one insert: 2 MiB, measured as fast as 8 MiB."""

_ALL_CHUNKS = 64
"""In the inserts that all writers together prepare, as far as each has at least one."""


class Carriers:
    """A few threads for all writers of a process; none is started before the first insert."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="chunks")
        self._lock = threading.Lock()
        self._writers = 0

    @contextmanager
    def writer(self) -> Iterator[None]:
        """Count a writer for as long as the block lasts."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    @property
    def share(self) -> int:
        """The chunks that each writer may put into one insert: the fewer, the more there are."""
        return min(_MOST_CHUNKS, max(1, _ALL_CHUNKS // max(1, self._writers)))

    def submit(self, insert: Callable[[], None]) -> "Future[None]":
        """Run an insert as soon as a thread is free."""
        return self._pool.submit(insert)

    def ahead(self, batches: Iterator[T]) -> Iterator[T]:
        """Yield what the iterator yields, one batch of it fetched while the one before is used.

        Raises:
            StorageUnavailable: If no batch comes in time, and what the iterator raises.
        """
        end = object()
        fetch = self._pool.submit(next, batches, end)
        try:
            while (batch := _wait(fetch)) is not end:
                fetch = self._pool.submit(next, batches, end)
                yield batch  # type: ignore[misc]  # it is no end, so it is a T
        finally:
            fetch.cancel()

    def _add(self, count: int) -> None:
        with self._lock:
            self._writers += count


def _wait(fetch: "Future[T]") -> T:
    try:
        return fetch.result(_AHEAD_SECONDS)
    except TimeoutError as error:
        raise StorageUnavailable("MongoDB is too slow to give what is asked for") from error
