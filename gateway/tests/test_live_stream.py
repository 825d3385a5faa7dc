"""One stream over a real socket, with a client who takes his time."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.hub import Hub, Limits, judge_ticket
from soundstrip_gateway.live.outlet import open_outlet
from soundstrip_gateway.live.sights import Sight
from soundstrip_gateway.live.stream import Body, Pace
from soundstrip_gateway.live.tickets import Ticket, Verdict

PADDING = "x" * 2000
NAMES = [f"vc-{number}" for number in range(50)]
LIMITS = Limits(streams=9, streams_per_owner=9)
QUICK = Pace(heartbeat=30, patience=0.3, life=60)


@pytest.fixture
def board() -> Board:
    board = Board(9)
    list(board.replace([], 1))
    return board


def sight(name: str, version: int, owner: str = "ann", stage: str = "") -> Sight:
    data = json.dumps({"id": name, "version": version, "padding": PADDING}).encode()
    return Sight(name, owner, version, data, stage or str(version), is_finished=stage == "done")


def change_all(board: Board, hub: Hub, versions: Iterator[int]) -> None:
    for name in NAMES:
        hub.tell(board.put(sight(name, next(versions))))


@asynccontextmanager
async def stream(
    hub: Hub, ticket: Ticket, *, chunked: bool = False
) -> AsyncIterator[tuple[socket.socket, asyncio.Task[None]]]:
    """Serve a client; its end of the socket, and the task that serves it."""
    client, server = socket.socketpair()
    for end in (client, server):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.settimeout(0)
    with client, hub.admit(ticket) as admitted:
        outlet = await open_outlet(server)
        body = Body(b"HEAD\r\n\r\n", chunked)
        task = asyncio.create_task(hub.serve(admitted, outlet, body))
        yield client, task
        async with asyncio.timeout(30):
            await task


async def read_all(client: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(sock=client)
    try:
        async with asyncio.timeout(30):
            return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def read_until(client: socket.socket, end: bytes) -> bytes:
    data = b""
    async with asyncio.timeout(30):
        while end not in data:
            data += await asyncio.get_running_loop().sock_recv(client, 65536)
    return data


async def test_a_slow_client_is_told_the_last_state_and_not_each_one_that_it_missed(board: Board):
    hub, versions = Hub(board, LIMITS, Pace()), iter(range(2, 10**6))
    async with stream(hub, Ticket("ann")) as (client, _):
        await read_until(client, b"event: ready")
        for _ in range(200):
            change_all(board, hub, versions)
            await asyncio.sleep(0)  # the stream writes as much as it may
        last = {name: board.of("ann")[name].version for name in NAMES}
        end = f'"version": {max(last.values())}, "padding": "{PADDING}"}}'.encode()
        text = (await read_until(client, end)).decode()
        client.close()
    told = [json.loads(line[6:]) for line in text.split("\n") if line.endswith('"}')]
    assert len(told) < 10 * len(NAMES)
    final = {data["id"]: data["version"] for data in told}
    assert final == last


async def test_a_client_that_takes_nothing_is_given_up(board: Board):
    hub, versions = Hub(board, LIMITS, QUICK), iter(range(2, 10**6))
    async with stream(hub, Ticket("ann")) as (client, task):
        await read_until(client, b"event: ready")
        change_all(board, hub, versions)
        async with asyncio.timeout(30):
            await task


async def test_a_client_that_left_is_noticed(board: Board):
    hub = Hub(board, LIMITS, Pace())
    async with stream(hub, Ticket("ann")) as (client, task):
        await read_until(client, b"event: ready")
        client.close()
        async with asyncio.timeout(30):
            await task


async def test_a_quiet_stream_is_kept_alive_and_says_when_it_may_be_behind(board: Board):
    hub = Hub(board, LIMITS, Pace(heartbeat=0.05, life=60))
    async with stream(hub, Ticket("ann")) as (client, _):
        await read_until(client, b": alive")
        hub.is_stale = True
        await read_until(client, b": stale")
        client.close()


@pytest.mark.parametrize(
    ("pace", "ticket", "end"),
    [
        (Pace(life=0), Ticket("ann"), "retry"),
        (Pace(), Ticket("ann", seconds=0), "event: expired"),
    ],
)
async def test_a_stream_ends_when_its_time_is_up(
    board: Board, pace: Pace, ticket: Ticket, end: str
):
    async with stream(Hub(board, LIMITS, pace), ticket) as (client, _):
        text = (await read_all(client)).decode()
    assert text.rstrip().split("\n\n")[-1].startswith(end)


async def test_a_body_in_chunks_is_one_that_http_can_read(board: Board):
    hub = Hub(board, LIMITS, Pace())
    hub.tell(board.put(sight("vc-1", 1)))
    async with stream(hub, Ticket("ann", "vc-1"), chunked=True) as (client, _):
        hub.tell(board.put(sight("vc-1", 2, stage="done")))
        data = (await read_all(client)).removeprefix(b"HEAD\r\n\r\n")
    parts = []
    while data:
        length, _, data = data.partition(b"\r\n")
        parts.append(data[: int(length, 16)])
        data = data[int(length, 16) :].removeprefix(b"\r\n")
    assert parts[-1] == b""
    assert b"".join(parts).startswith(b"retry: 2000\n\nid: 2\nevent: conversion\ndata: {")


def test_a_ticket_is_judged_by_what_there_is(board: Board):
    for change in (sight("vc-1", 2), sight("vc-2", 3, stage="done"), sight("vc-3", 4)):
        list(board.put(change))
    list(board.remove("vc-3", 5))

    def judge(name: str | None, since: int | None = None, counts: tuple[int, int] = (0, 0)) -> str:
        return judge_ticket(Ticket("ann", name, since), board, counts, Limits(3, 2))

    assert judge(None) == Verdict.READY
    assert judge("vc-1") == judge("vc-1", 9) == Verdict.READY
    assert judge("vc-2") == judge("vc-2", 2) == judge("vc-2", 3) == Verdict.UNKNOWN
    assert judge("vc-3", 4) == Verdict.READY
    assert judge("vc-3") == judge("vc-3", 5) == judge("vc-4") == Verdict.UNKNOWN
    assert judge(None, counts=(3, 0)) == Verdict.FULL
    assert judge(None, counts=(2, 2)) == Verdict.CROWDED
    assert judge_ticket(Ticket("bob", "vc-1"), board, (0, 0), LIMITS) == Verdict.UNKNOWN
    assert judge_ticket(Ticket("ann"), Board(9), (0, 0), LIMITS) == Verdict.BLIND
