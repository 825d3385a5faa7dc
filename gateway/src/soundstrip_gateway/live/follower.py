"""Keeps the board as the API server's conversions are, whatever becomes of the connection."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from typing import Protocol

import structlog

from soundstrip_gateway.live.api import ApiUnavailable, Happening, TooOld
from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.hub import Hub
from soundstrip_gateway.live.meter import Meter, WatchEnd
from soundstrip_gateway.live.sights import Sight

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0
_GOOD_SECONDS = 10.0
"""A watch that stood this long has ended in its time."""

log = structlog.get_logger("soundstrip.live")


class Source(Protocol):
    """Where conversions come from: see `api.Conversions`."""

    async def list(self) -> tuple[list[Sight], int]:
        """Return all that there are, and the version at which they are so."""

    def watch(self, version: int) -> AsyncIterator[Happening]:
        """Yield what happens after this version."""


class Follower:
    """One watch, for all streams of this process."""

    def __init__(
        self,
        source: Source,
        board: Board,
        hub: Hub,
        meter: Meter = Meter(),  # noqa: B008 - it keeps nothing
    ) -> None:
        self._meter = meter
        self._source = source
        self._board = board
        self._hub = hub
        self._must_list = True
        self._pause = _FIRST_PAUSE

    async def follow(self) -> None:
        """Follow the conversions until this is cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            self._meter.see_watch_end(await self._follow_once())
            if clock() - began > _GOOD_SECONDS:
                self._pause = _FIRST_PAUSE
            await asyncio.sleep(random.uniform(0.5, 1) * self._pause)  # noqa: S311 - jitter
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    async def _follow_once(self) -> WatchEnd:
        """Follow one watch to its end, and say what that was."""
        try:
            await self._watch()
        except TooOld:
            self._must_list = True
            return "too_old"
        except ApiUnavailable as error:
            self._lose(error)
            return "unavailable"
        return "ended"

    async def _watch(self) -> None:
        if self._must_list:
            self._hub.tell(self._board.replace(*await self._source.list()))
            self._must_list = False
        async for happening in self._source.watch(self._board.newest):
            self._regain()
            self._hub.tell(self._take(happening))

    def _take(self, happening: Happening) -> Iterable[Sight]:
        self._board.reach(happening.version)
        if happening.sight is not None:
            return self._board.put(happening.sight)
        if happening.gone is not None:
            return self._board.remove(happening.gone, happening.version)
        return ()

    def _lose(self, error: ApiUnavailable) -> None:
        if not self._hub.is_stale:
            log.warning("the conversions are out of sight", error=str(error))
        self._hub.is_stale = True

    def _regain(self) -> None:
        if self._hub.is_stale:
            log.info("the conversions are in sight again")
        self._hub.is_stale = False
