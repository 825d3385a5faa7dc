"""The signals that ask the operator to end."""

import asyncio
import signal
import threading

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def hold_signals() -> None:
    """Have the signals wait until they are asked for; to be called before any thread is started.

    Kopf takes them for itself when it starts, and ends in its own time, which looks as if one of
    its watches had failed. What is held does not come to it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


async def wait_for_signal(stop: asyncio.Event) -> None:
    """Return after SIGTERM or SIGINT, which set `stop`, or when it is set otherwise."""
    told = (asyncio.get_running_loop(), stop)
    threading.Thread(target=_tell, args=told, name="signals", daemon=True).start()
    await stop.wait()


def _tell(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    signal.sigwait(_SIGNALS)
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)
