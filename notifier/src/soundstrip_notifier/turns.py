"""One at a time for each key: an event that was published twice must not be sent by two threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Keeps threads with the same key apart; those with other keys do not notice."""

    def __init__(self) -> None:
        self._busy: set[str] = set()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, key: str) -> Iterator[None]:
        """Wait until no other thread has this key, and have it for the block's time."""
        with self._changed:
            self._changed.wait_for(lambda: key not in self._busy)
            self._busy.add(key)
        try:
            yield
        finally:
            with self._changed:
                self._busy.discard(key)
                self._changed.notify_all()
