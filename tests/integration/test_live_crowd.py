"""Live events when there are many watchers, and when something breaks under them."""

import asyncio
import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import aiohttp
import requests
from tests.faulty_api import Fault, FaultyApi, Target
from tests.gateways import Stage
from tests.live import Reader, advance, conversion, run_replica
from tests.processes import start
from tests.waiting import wait_until

USERS, EACH = 10, 50
MEMORY_LIMIT = 160 * 2**20
"""The live container's limit in the chart."""


async def test_500_watchers_on_one_replica_are_one_watch_and_hold_up_nobody(
    stage: Stage, tmp_path: Path
):
    users = [f"user{n}" for n in range(USERS)]
    with (
        FaultyApi(stage.kube.kubeconfig(), tmp_path).serving() as api,
        run_replica(
            stage, api.kubeconfig, {"THREADS": "4"}, start, MAX_STREAMS_PER_USER=str(EACH)
        ) as replica,
    ):
        before = replica.live.memory()
        bodies = [conversion(n, user) for n, user in enumerate(users)]
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"{replica.url}/v1/events"
            streams = [
                (user, await session.get(url, headers=stage.header(user)))
                for _ in range(EACH)
                for user in users
            ]
            assert {stream.status for _, stream in streams} == {200}
            assert replica.live.streams() == USERS * EACH
            grown = replica.live.memory() - before
            for path in ("/health", "/v1/conversions"):
                url = replica.url + path
                async with session.get(url, headers=stage.header(users[0])) as answer:
                    assert answer.ok
            stage.kube.create_all(bodies)
            advance(stage, bodies, 100)
            seen = await asyncio.gather(*(_see_the_end(stream) for _, stream in streams))
        assert api.open_watches == 1
        assert Counter(zip((user for user, _ in streams), seen, strict=True)) == {
            (user, f"vc-{n:024x}"): EACH for n, user in enumerate(users)
        }
        for log in (replica.gateway.log(), replica.live.log()):
            assert '"level": "error"' not in log
        print(f"500 streams: {before / 2**20:.1f} MiB, and {grown / 2**20:.1f} more")
        assert replica.live.memory() < MEMORY_LIMIT


async def _see_the_end(stream: aiohttp.ClientResponse) -> str:
    """Return the only conversion of which the stream tells, when it has failed."""
    names = set[str]()
    async with asyncio.timeout(180):
        while line := await stream.content.readline():
            if not line.startswith(b'data: {"id"'):
                continue
            data = json.loads(line[6:])
            names.add(data["id"])
            if data["state"] == "failed":
                break
    [name] = names
    return name


def test_who_loses_a_replica_goes_on_at_the_other_and_misses_nothing(stage: Stage):
    with run_replica(stage) as one, run_replica(stage) as other:
        bodies = [stage.kube.create(conversion(n, "ann")) for n in range(4)]
        reader = Reader(f"{one.url}/v1/events", stage.header("ann"))
        watcher = Reader(f"{other.url}/v1/events", stage.header("ann"))
        told = {reader.until("conversion")["id"] for _ in range(4)}
        assert told == {body["metadata"]["name"] for body in bodies}
        one.kill()
        with suppress(requests.RequestException):
            reader.rest()
        advance(stage, bodies[:2], 50)
        advance(stage, bodies[:1], 100)
        stage.kube.delete("videoconversion", bodies[3]["metadata"]["name"])
        watcher.until("deleted")  # the other replica has seen all of it
        again = Reader(f"{other.url}/v1/events", stage.header("ann"), reader.mark)
        states = {}
        for _ in range(3):
            kind, data = again.next()
            states[data["id"][-1]] = data.get("state", kind)
        assert states == {"0": "failed", "1": "running", "3": "deleted"}


def test_an_api_server_that_goes_away_ends_no_stream(stage: Stage, tmp_path: Path):
    with (
        FaultyApi(stage.kube.kubeconfig(), tmp_path).serving() as api,
        run_replica(stage, api.kubeconfig, HEARTBEAT_SECONDS="0.5") as replica,
    ):
        body = stage.kube.create(conversion(1, "ann"))
        reader = Reader(f"{replica.url}/v1/events", stage.header("ann"))
        reader.until("conversion")
        api.faults.append(Fault(Target("GET", "videoconversions"), 503, times=10**6))
        api.break_watches()
        wait_until(lambda: replica.live.health().get("missing"), "it has noticed")
        advance(stage, [body], 50)
        late = Reader(f"{replica.url}/v1/events", stage.header("ann"))
        assert late.until("conversion")["state"] == "queued"
        lines = late.answer.iter_lines()
        assert any(line.startswith(b": stale") for line in lines)
        api.faults.clear()
        assert reader.until("conversion", state="running")["progress"] == {"percent": 50}
        wait_until(replica.live.is_healthy, "it sees again")
        # The watch is told that its version is too old: what happened is read from a list.
        api.faults.append(Fault(Target("GET", "watch=1"), 410))
        stage.kube.delete("videoconversion", body["metadata"]["name"])
        api.tell_watches(410, "Expired")
        assert reader.until("deleted") == {"id": body["metadata"]["name"]}
        stage.kube.create(conversion(2, "ann"))
        assert reader.until("conversion")["id"] == f"vc-{2:024x}"


def test_one_that_runs_again_is_not_told_as_ended_by_a_replica_that_has_not_heard_of_it(
    stage: Stage, tmp_path: Path
):
    with (
        FaultyApi(stage.kube.kubeconfig(), tmp_path).serving() as api,
        run_replica(stage, api.kubeconfig) as replica,
    ):
        body = stage.kube.create(conversion(1, "ann"))
        url = f"{replica.url}/v1/conversions/{body['metadata']['name']}/events"
        first = Reader(url, stage.header("ann"))
        advance(stage, [body], 100)
        assert first.rest()[-1][1]["state"] == "failed"
        api.silence_watches()
        advance(stage, [body], 10)
        readers = [Reader(url, stage.header("ann"), mark) for mark in ("", first.mark)]
        for reader in readers:
            assert reader.next()[0] == "ready"
        api.break_watches()
        for reader in readers:
            assert reader.until("conversion")["progress"] == {"percent": 10}
        advance(stage, [body], 100)
        for reader in readers:
            assert reader.rest()[-1][1]["state"] == "failed"
