"""A queue of keys: each is worked on by one worker at a time, and never twice for one cause.

A key is the name of a conversion.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from soundstrip_operator.caption import begin_caption

log = structlog.get_logger("soundstrip.workqueue")

Work = Callable[[str], Awaitable[None]]

_LONGEST_EXPONENT = 16


class Retry(Exception):
    """The work could not be finished for the world's sake: the key comes again, with backoff.

    The message says the cause in a sentence that may be logged.
    """

    def __init__(self, cause: str, pause: float = 0.0) -> None:
        """Take `pause` as the seconds in which the key must not come, whatever happens."""
        super().__init__(cause)
        self.pause = pause


class Meter:
    """Is told how a queue fares; this one lets it pass."""

    def see_added(self, key: str) -> None:
        """Take a key that waits now."""

    def see_taken(self, key: str) -> None:
        """Take a key that is worked on now."""

    def see_done(self, key: str) -> None:
        """Take a key that is not worked on any more."""

    def see_retried(self, key: str) -> None:
        """Take a key that comes again after a backoff."""


_UNMETERED = Meter()


class Workqueue:
    """De-duplicated, ordered for each key, with backoff for what fails.

    A key that is added while it is worked on is worked on once more afterwards.
    """

    def __init__(
        self, *, workers: int, base: float = 0.5, cap: float = 60.0, meter: Meter = _UNMETERED
    ) -> None:
        """Take `base` and `cap` as the seconds of the first and the longest backoff."""
        self._workers = workers
        self._base = base
        self._cap = cap
        self._meter = meter
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._paused: dict[str, float] = {}

    def add(self, key: str) -> None:
        """Have the key worked on as soon as a worker is free, and its pause is over."""
        if key in self._paused:
            return  # A timer is set for its end.
        if key in self._running:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)
            self._meter.see_added(key)

    def add_after(self, key: str, seconds: float) -> None:
        """Have the key worked on after a while; of several whiles the shortest counts."""
        loop = asyncio.get_running_loop()
        due = max(loop.time() + seconds, self._paused.get(key, 0.0))
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._ring, key)

    def is_backing_off(self, key: str) -> bool:
        """Say whether the latest work on this key failed."""
        return key in self._failures

    async def run(self, work: Work) -> None:
        """Do this work on one key after the other until cancelled."""
        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(self._workers):
                    workers.create_task(self._run_worker(work))
        finally:
            for timer in self._timers.values():
                timer.cancel()

    async def _run_worker(self, work: Work) -> None:
        while True:
            key = await self._ready.get()
            self._queued.discard(key)
            self._running.add(key)
            self._meter.see_taken(key)
            try:
                await self._attempt(work, key)
            finally:
                self._meter.see_done(key)
                self._running.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    async def _attempt(self, work: Work, key: str) -> None:
        begin_caption(key)
        try:
            await work(key)
        except Retry as error:
            self._back_off(key, str(error), error.pause)
        except Exception:
            log.exception("work failed")
            self._back_off(key, "a bug")
        else:
            self._failures.pop(key, None)

    def _back_off(self, key: str, cause: str, pause: float = 0.0) -> None:
        failures = min(self._failures.get(key, 0) + 1, _LONGEST_EXPONENT)
        self._failures[key] = failures
        self._meter.see_retried(key)
        full = min(self._cap, self._base * 2 ** (failures - 1))
        seconds = pause + full * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
        if pause > 0:
            self._paused[key] = asyncio.get_running_loop().time() + pause
        tell = log.warning if failures > 1 else log.info
        tell("tried again later", cause=cause, seconds=round(seconds, 1))
        self.add_after(key, seconds)

    def _ring(self, key: str) -> None:
        self._timers.pop(key, None)
        if asyncio.get_running_loop().time() < self._paused.get(key, 0.0):
            self.add_after(key, 0.0)  # It was set before the pause began.
            return
        self._paused.pop(key, None)
        self.add(key)
