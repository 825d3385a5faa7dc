"""The signals that ask the operator to end."""

import asyncio
import signal


async def wait_for_signal(stop: asyncio.Event, ready: asyncio.Event) -> None:
    """Return after SIGTERM or SIGINT, which set `stop`, or when it is set otherwise.

    Kopf takes the signals for itself when it starts, which `ready` tells; they are taken back, for
    a quick end.
    """
    loop = asyncio.get_running_loop()
    for _ in range(2):
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await _first(stop, ready)
    await stop.wait()


async def _first(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
