"""A client's socket, to which alone is written: what it sends is let fall."""

import asyncio
import socket
from typing import cast

_BUFFER = 65536
"""Bytes that wait here for a slow client, beside those in the kernel."""

_UNACKNOWLEDGED_MILLISECONDS = 30_000


class Stalled(Exception):
    """The client took nothing for too long."""


class Outlet(asyncio.Protocol):
    """Writes to one client; `is_open` until it, or we, hang up."""

    def __init__(self) -> None:
        self.is_open = True
        self.changed = asyncio.Event()
        """Set whenever the one who writes has something to look at."""

        self._transport: asyncio.Transport | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; asyncio calls this."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_BUFFER)

    def connection_lost(self, _error: Exception | None) -> None:
        """Take note of the end; asyncio calls this."""
        self.is_open = False
        self._flowing.set()
        self.changed.set()

    def pause_writing(self) -> None:
        """Take note that the client is slow; asyncio calls this."""
        self._flowing.clear()

    def resume_writing(self) -> None:
        """Take note that it has caught up; asyncio calls this."""
        self._flowing.set()

    async def write(self, data: bytes, patience: float) -> None:
        """Write, and wait until there is room again for what comes next.

        Raises:
            Stalled: If there is none within so many seconds.
        """
        if self._transport is not None and self.is_open and data:
            self._transport.write(data)
        await asyncio.sleep(0)  # a client who takes all at once must not hold up the others
        try:
            async with asyncio.timeout(patience):
                await self._flowing.wait()
        except TimeoutError:
            raise Stalled from None

    async def wait(self, seconds: float) -> None:
        """Return when something has changed, or so many seconds have passed."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            return
        self.changed.clear()

    def close(self) -> None:
        """Send what is written, and hang up."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()


async def open_outlet(client: socket.socket) -> Outlet:
    """Take over a client's connected socket.

    A client that went without a word is noticed by the kernel, which asks for an answer to each
    heartbeat within 30 s.
    """
    client.settimeout(0)
    if client.family in {socket.AF_INET, socket.AF_INET6}:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED_MILLISECONDS)
    loop = asyncio.get_running_loop()
    _, outlet = await loop.connect_accepted_socket(Outlet, client)
    return outlet
