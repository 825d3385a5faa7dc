"""What a gateway does beside its requests, again and again."""

import random
import threading
from collections.abc import Callable, Sequence

import structlog

from soundstrip_gateway.apiserver import ClusterError
from soundstrip_storage.errors import StorageError

log = structlog.get_logger("soundstrip.gateway")


class Rounds:
    """Goes from one task to the next, with a pause after each round."""

    def __init__(self, tasks: Sequence[Callable[[], None]], seconds: float) -> None:
        self._tasks = tasks
        self._seconds = seconds

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set; what is away, or fails by our own fault, is tried again."""
        while not stop.wait(self._seconds * random.uniform(0.5, 1)):  # noqa: S311 - jitter
            for task in self._tasks:
                try:
                    task()
                except (StorageError, ClusterError) as error:
                    log.warning("uploads that were left wait longer", error=str(error))
                except Exception:
                    log.exception("unexpected error in a round")
