"""Waiting for a condition with a deadline: the only way in which a test waits."""

import time
from collections.abc import Callable
from threading import Event


def wait_until(condition: Callable[[], object], what: str, *, seconds: float = 60) -> None:
    """Return when the condition holds; at the deadline fail and say `what` did not come."""
    deadline = time.monotonic() + seconds
    never = Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        never.wait(0.1)
