"""A bound on what happens too often: tokens that come at a rate, and what waits for them."""

import asyncio
from collections.abc import Callable


class TokenBucket:
    """Lets so many through a second; what was not taken is kept, up to a burst.

    A moment is in seconds, of a clock that does not go back.
    """

    def __init__(self, rate: float, burst: float = 1.0) -> None:
        """Take `rate` as tokens a second, `burst`, at least 1, as the most that are kept."""
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Take a token, and say whether there was one."""
        self._fill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def wait(self, now: float) -> float:
        """Return the seconds until there is a token; 0 if there is one."""
        self._fill(now)
        return max(0.0, (1 - self._left) / self._rate)

    def _fill(self, now: float) -> None:
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._rate)
        self._at = max(self._at, now)


class Paced:
    """Lets keys pass in the order they came, each once however often it was added meanwhile."""

    def __init__(self, bucket: TokenBucket, let_pass: Callable[[str], None]) -> None:
        """Take `let_pass` for what is called with a key for each token."""
        self._bucket = bucket
        self._let_pass = let_pass
        self._waiting: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, key: str) -> None:
        """Let the key pass when its turn has come."""
        self._waiting[key] = None
        if self._timer is None:
            self._go_on()

    def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._waiting and self._bucket.take(loop.time()):
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._let_pass(key)
        if self._waiting:
            self._timer = loop.call_later(self._bucket.wait(loop.time()), self._go_on)
