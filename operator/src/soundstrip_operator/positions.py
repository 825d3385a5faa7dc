"""Telling those that wait their place in the line: at once when they come, then now and then.

Each start moves all that wait behind it, so the places of thousands are not written each time.
"""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime

from soundstrip_operator.places import Places
from soundstrip_operator.tokens import Paced, TokenBucket
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Workqueue

_ROUND_SECONDS = 5.0
_MOST_IN_A_ROUND = 50


class Positions:
    """What each status may say of its place in the line."""

    def __init__(
        self,
        view: View,
        queue: Workqueue,
        places: Places,
        *,
        writes: TokenBucket,
        clock: Callable[[], datetime],
    ) -> None:
        """Take `writes` for the bound on what is written for this alone."""
        self._view = view
        self._queue = queue
        self._places = places
        self._clock = clock
        self._paced = Paced(writes, self._renew)
        self._due: set[str] = set()

    def of(self, about: Conversion) -> int | None:
        """Return the place to be told: the one that is told already, unless its turn has come."""
        told = about.parsed.status.queue
        if told is not None and about.key not in self._due:
            return told.position
        self._due.discard(about.key)
        return self._places.line(self._clock()).get(about.key)

    async def keep_telling(self) -> None:
        """Have those that have moved told so, until cancelled."""
        while True:
            self.tell_moved()
            await asyncio.sleep(_ROUND_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

    def tell_moved(self) -> None:
        """Have the foremost of those that have moved told so, as fast as may be written."""
        for key in self.moved()[:_MOST_IN_A_ROUND]:
            self._paced.add(key)

    def moved(self) -> list[str]:
        """Return those whose status tells another place than they have, the foremost first."""
        line = self._places.line(self._clock())
        return [key for key, place in line.items() if self._told(key) not in {None, place}]

    def _told(self, key: str) -> int | None:
        about = self._view.conversions.get(key)
        told = about.parsed.status.queue if about else None
        return told.position if told else None

    def _renew(self, key: str) -> None:
        self._due.add(key)
        self._queue.add(key)
