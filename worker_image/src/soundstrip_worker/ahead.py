"""Reads ahead: what comes next is fetched while what came is hashed and written."""

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

_DEPTH = 16
"""Pieces that are waited for: with chunks of 127 KiB, two trips to MongoDB."""


def read_ahead(pieces: Iterator[bytes]) -> Generator[bytes, None, None]:
    """Yield the same pieces, which are made in another thread; its exceptions are raised here."""
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = deque(thread.submit(next, pieces, None) for _ in range(_DEPTH))
        while (piece := coming.popleft().result()) is not None:
            coming.append(thread.submit(next, pieces, None))
            yield piece
