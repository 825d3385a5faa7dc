"""What goes on beside the requests: letters are sent, and what is over is removed."""

import math
import threading
import time
from collections.abc import Callable

import structlog

from soundstrip_auth.database import DatabaseUnavailable

LOOK_SECONDS = 5.0
"""How often letters of other replicas, and those to be tried again, are looked for."""

TIDY_SECONDS = 600.0

log = structlog.get_logger("soundstrip.auth")

Errand = Callable[[], None]
"""Something to be done; raises DatabaseUnavailable when MySQL cannot be used."""


class Clerk:
    """Does its errands for as long as the process serves."""

    def __init__(self, deliver: Errand | None, tidy: Errand) -> None:
        """Deliver whenever poked and every few seconds, if there is mail; tidy now and then."""
        self._deliver = deliver
        self._tidy = tidy
        self._poked = threading.Event()

    def poke(self) -> None:
        """Have it look for letters now."""
        self._poked.set()

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set."""
        tidied = -math.inf
        while not stop.is_set():
            self._poked.clear()
            if self._deliver is not None:
                _run(self._deliver)
            if time.monotonic() - tidied >= TIDY_SECONDS:
                tidied = time.monotonic()
                _run(self._tidy)
            self._poked.wait(LOOK_SECONDS)


def _run(errand: Errand) -> None:
    """Do it; whatever happens, the next look comes: one bad row must not stop all letters."""
    try:
        errand()
    except DatabaseUnavailable as error:
        log.warning("MySQL is away", reason=str(error))
    except Exception:
        log.exception("unexpected error")
