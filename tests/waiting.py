"""Waiting for a condition with a deadline: the only way in which a test waits."""

import time
from collections.abc import Callable
from threading import Event

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.02, 0.5, 1.4


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 120) -> None:
    """Return when the condition holds; at the deadline fail and say `what` did not come.

    The pauses between two looks grow: many a look starts a process on a machine of two cores.
    """
    deadline = time.monotonic() + seconds
    never, pause = Event(), _FIRST_PAUSE
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        never.wait(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
