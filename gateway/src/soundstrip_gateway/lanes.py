"""How many files may be under way at once: a bound on memory, and threads left for the rest."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import flask

_PATIENCE_SECONDS = 2.0


class LanesTaken(Exception):
    """As many files are under way as there may be; soon there is room again."""


class Lanes:
    """Places for transfers; who finds none waits two seconds for one."""

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def lane(self) -> Iterator[None]:
        """Hold a place until the block ends.

        Raises:
            LanesTaken: If there is none.
        """
        if not self._free.acquire(timeout=_PATIENCE_SECONDS):
            raise LanesTaken("As many files are under way as this server takes at once.")
        try:
            yield
        finally:
            self._free.release()

    def hold_until_sent(self, make: Callable[[], flask.Response]) -> flask.Response:
        """Make an answer that streams, and hold a place until it is through or broken off.

        Raises:
            LanesTaken: If there is none.
        """
        with ExitStack() as stack:
            stack.enter_context(self.lane())
            answer = make()
            answer.call_on_close(stack.pop_all().close)
            return answer
