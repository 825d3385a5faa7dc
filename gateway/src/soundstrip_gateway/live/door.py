"""Where the gateway hands over its clients: a Unix socket in a directory that both share."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from soundstrip_gateway.live.hub import Hub
from soundstrip_gateway.live.outlet import open_outlet
from soundstrip_gateway.live.stream import Body, Stream
from soundstrip_gateway.live.tickets import (
    HEAD_LIMIT,
    TICKET_LIMIT,
    Ticket,
    Verdict,
    decode_ticket,
)

_TICKET_SECONDS = 5.0
_HEAD_SECONDS = 30.0
"""How long a place is held while the gateway asks the API server for what the board lacks."""

_LEAVE_SECONDS = 5.0
_PAUSE_SECONDS = 0.2
_BACKLOG = 128

log = structlog.get_logger("soundstrip.live")


@contextlib.contextmanager
def listen(path: Path) -> Iterator[socket.socket]:
    """Listen at the path, in the place of whoever did before, for this user alone."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_BACKLOG)
        listener.settimeout(0)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


class Door:
    """Takes tickets and clients."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._visits = set[asyncio.Task[None]]()

    async def serve(self, listener: socket.socket) -> None:
        """Take whoever comes, until this is cancelled; then end all streams in good order."""
        try:
            while True:
                await self._accept(listener)
        finally:
            self._hub.leave()
            if self._visits:
                await asyncio.wait(self._visits, timeout=_LEAVE_SECONDS)

    async def _accept(self, listener: socket.socket) -> None:
        try:
            visitor, _ = await asyncio.get_running_loop().sock_accept(listener)
        except OSError as error:  # as many files are open as there may be
            log.warning("a client has to wait", cause=type(error).__name__)
            await asyncio.sleep(_PAUSE_SECONDS)
            return
        visit = asyncio.create_task(self._receive(visitor))
        self._visits.add(visit)
        visit.add_done_callback(self._finish)

    def _finish(self, visit: asyncio.Task[None]) -> None:
        self._visits.discard(visit)
        if not visit.cancelled() and (error := visit.exception()):
            log.error("unexpected error in a stream", exc_info=error)

    async def _receive(self, visitor: socket.socket) -> None:
        with visitor:
            visitor.settimeout(0)
            try:
                await self._attend(visitor)
            except (OSError, TimeoutError) as error:
                log.warning("a client was not handed over", cause=type(error).__name__)

    async def _attend(self, visitor: socket.socket) -> None:
        ticket = await _take_ticket(visitor)
        if ticket is None:
            return
        verdict = self._hub.judge(ticket)
        if verdict not in {Verdict.READY, Verdict.UNKNOWN}:
            visitor.send(verdict.encode())
            return
        with self._hub.admit(ticket) as stream:
            visitor.send(verdict.encode())
            await self._take_client(visitor, stream, ticket)

    async def _take_client(self, visitor: socket.socket, stream: Stream, ticket: Ticket) -> None:
        async with asyncio.timeout(_HEAD_SECONDS):
            head, client = await _take_packet(visitor, HEAD_LIMIT)
        visitor.close()
        if client is None:
            return  # the gateway found out that there is nothing to watch
        outlet = await open_outlet(client)
        await self._hub.serve(stream, outlet, Body(head, ticket.chunked))


async def _take_ticket(visitor: socket.socket) -> Ticket | None:
    async with asyncio.timeout(_TICKET_SECONDS):
        packet, _ = await _take_packet(visitor, TICKET_LIMIT)
    try:
        return decode_ticket(packet) if packet else None
    except msgspec.DecodeError as error:
        log.warning("a ticket can't be read", error=str(error))
        return None


async def _take_packet(visitor: socket.socket, limit: int) -> tuple[bytes, socket.socket | None]:
    """Return the next packet and the socket that came with it; an empty one is the end."""
    await _until_readable(visitor)
    packet, descriptors, _, _ = socket.recv_fds(visitor, limit, 1, socket.MSG_CMSG_CLOEXEC)
    return packet, socket.socket(fileno=descriptors[0]) if descriptors else None


async def _until_readable(visitor: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(visitor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(visitor)
