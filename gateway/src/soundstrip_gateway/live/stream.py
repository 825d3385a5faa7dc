"""One client's stream, from the head of the answer to its end."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from soundstrip_gateway.live import sse
from soundstrip_gateway.live.backlog import Backlog
from soundstrip_gateway.live.meter import Meter
from soundstrip_gateway.live.outlet import Outlet
from soundstrip_gateway.live.sights import Sight

_RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Pace:
    """How long things take, in seconds."""

    heartbeat: float = 15.0
    patience: float = 30.0
    """A client that takes nothing for this long is given up."""

    life: float = 3600.0
    """The longest that a stream lasts; its client goes on with another."""


@dataclass(frozen=True)
class Body:
    """How a stream is written: its head, and whether in chunks."""

    head: bytes
    chunked: bool


class Stream:
    """Writes what the backlog says, until the client, the token, time or the server has enough."""

    def __init__(
        self,
        backlog: Backlog,
        pace: Pace,
        is_stale: Callable[[], bool],
        token_seconds: float | None,
        meter: Meter,
    ) -> None:
        self._meter = meter
        self._backlog = backlog
        self._pace = pace
        self._is_stale = is_stale
        self._is_leaving = False
        self._outlet: Outlet | None = None
        self._clock = asyncio.get_running_loop().time
        now = self._clock()
        self._expiry = now + token_seconds if token_seconds is not None else None
        self._end = now + pace.life

    @property
    def is_resumed(self) -> bool:
        """Whether its client goes on after a mark that it has seen."""
        return self._backlog.is_resumed

    def tell(self, sight: Sight) -> None:
        """Take note of a change."""
        if self._backlog.add(sight):
            self._wake()

    def leave(self) -> None:
        """End soon, in good order: the client comes back elsewhere."""
        self._is_leaving = True
        self._wake()

    async def run(self, outlet: Outlet, body: Body) -> None:
        """Write all of it, and hang up.

        Raises:
            Stalled: If the client took nothing for too long.
        """
        self._outlet = outlet
        await outlet.write(body.head, self._pace.patience)
        await self._write(outlet, sse.write_retry(_RETRY_SECONDS), body)
        last_words = await self._go_on(outlet, body)
        await self._write(outlet, last_words, body)
        await outlet.write(sse.write_end(chunked=body.chunked), self._pace.patience)
        outlet.close()

    async def _go_on(self, outlet: Outlet, body: Body) -> bytes:
        beat = self._clock() + self._pace.heartbeat
        while outlet.is_open and not self._backlog.has_ended:
            now = self._clock()
            if self._expiry is not None and now >= self._expiry:
                return sse.EXPIRED
            if self._is_leaving or now >= self._end:
                return sse.write_retry(random.uniform(0.2, 1) * _RETRY_SECONDS)  # noqa: S311 - jitter
            events = self._backlog.take(now)
            text = b"".join(map(sse.write_event, events))
            if not text and now >= beat:
                text = sse.STALE if self._is_stale() else sse.ALIVE
            if text:
                beat = now + self._pace.heartbeat
                await self._write(outlet, text, body)
                self._meter.see_sent(events)
            else:
                await outlet.wait(self._rest(now, beat))
        return b""

    def _rest(self, now: float, beat: float) -> float:
        until = min(beat, self._end, *([self._expiry] if self._expiry is not None else []))
        due = self._backlog.due(now)
        return max(0.0, until - now if due is None else min(until - now, due))

    async def _write(self, outlet: Outlet, text: bytes, body: Body) -> None:
        if text:
            await outlet.write(sse.write_body(text, chunked=body.chunked), self._pace.patience)

    def _wake(self) -> None:
        if self._outlet is not None:
            self._outlet.changed.set()
