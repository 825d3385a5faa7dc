"""Pauses between looks at what the other container may have left."""

import time

_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.002, 0.05
_SHARE = 0.05


class Pauses:
    """Short at first, then longer: what is awaited is seen late by a twentieth of its time at most.

    So a short job is not held up, and a long one is not looked after all the time.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()

    def take(self) -> None:
        """Sleep until the next look is due."""
        time.sleep(pause_after(time.monotonic() - self._began))


def pause_after(seconds: float) -> float:
    """Return how long to pause when so many seconds were waited."""
    return min(max(_SHORTEST_SECONDS, seconds * _SHARE), _LONGEST_SECONDS)
