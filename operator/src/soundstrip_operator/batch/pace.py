"""How often a batch is looked at: many changes of its children make one look."""

import asyncio
from collections.abc import Callable

_MOST_REMEMBERED = 1000


class Pace:
    """Lets a key pass at once, and the next time not before the interval is over."""

    def __init__(self, let_pass: Callable[[str, float], None], interval: float) -> None:
        """Take `let_pass` for what is called with a key and the seconds that it has to wait."""
        self._let_pass = let_pass
        self._interval = interval
        self._latest: dict[str, float] = {}
        """When each key passed last, or is going to pass."""

    def add(self, key: str) -> None:
        """Let the key pass as soon as it may; if it is going to anyway, that is enough."""
        now = asyncio.get_running_loop().time()
        latest = self._latest.get(key, now - self._interval)
        if latest > now:
            return
        due = self._latest[key] = max(now, latest + self._interval)
        self._let_pass(key, due - now)
        if len(self._latest) > _MOST_REMEMBERED:
            recent = now - self._interval
            self._latest = {key: at for key, at in self._latest.items() if at > recent}
