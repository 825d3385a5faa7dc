"""One life of the operator: its parts run together, and end together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web

from soundstrip_operator.intake import Intake
from soundstrip_operator.signals import wait_for_signal
from soundstrip_operator.tenure import Tenure
from soundstrip_operator.watching import watch

log = structlog.get_logger("soundstrip.operator")

_STOP_SECONDS = 3.0

Work = Callable[[], Coroutine[Any, Any, None]]
"""Goes on until it is cancelled."""


class PartEnded(Exception):
    """What goes on for ever has ended, and nobody asked for it."""


@dataclass(frozen=True)
class Parts:
    """All that has a part in it; the work begins when the world has been seen as it is now."""

    app: web.Application
    tenure: Tenure
    intake: Intake
    work: tuple[Work, ...]


async def live(parts: Parts, *, port: int, namespace: str) -> None:
    """Run all parts until a signal, or until one of them ends by a bug.

    Raises:
        LeaseLost: If a fresh process has to go on.
        PartEnded: The same; kopf has logged why, if it was a watch that failed.
    """
    stop = asyncio.Event()
    runner = web.AppRunner(parts.app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    tenure, intake = parts.tenure, parts.intake
    tasks = [
        asyncio.create_task(part)
        for part in (
            tenure.keep(),
            _after(tenure.settled, lambda: intake.keep_listing(tenure.taken)),
            # The first list comes before the first watch: kopf finds only kinds that are there.
            _after(intake.listed, lambda: watch(intake, tenure, namespace, stop)),
            *(_after(intake.caught_up, work) for work in parts.work),
            wait_for_signal(stop),
        )
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        _raise_from(done)
        if not stop.is_set():
            raise PartEnded("a part of the operator has ended by itself")
    finally:
        stop.set()
        await runner.cleanup()
        await _end(tasks, tenure)


def _raise_from(done: set[asyncio.Task[None]]) -> None:
    """Kopf, when it fails, cancels every task that was begun after it, ours too."""
    for task in done:
        if not task.cancelled():
            task.result()


async def _end(tasks: list[asyncio.Task[None]], tenure: Tenure) -> None:
    """The Lease is given back only if nothing is left that could act."""
    for task in tasks:
        task.cancel()
    _, lingering = await asyncio.wait(tasks, timeout=_STOP_SECONDS)
    if not lingering:
        await tenure.release()
    log.info("stopped")


async def _after(event: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    await event.wait()
    await work()
