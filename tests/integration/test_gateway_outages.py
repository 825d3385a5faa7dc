"""The API server or MongoDB away: 503 in bounded time, no thread stuck, no restart needed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.containers import Server
from tests.faulty_api import SILENCE, Fault, FaultyApi, Target
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until

_THREADS = 4
_PATIENCE = 60
"""Seconds after which a request counts as stuck."""

_ALWAYS = 1_000_000


@pytest.fixture
def outer(stage: Stage, api: FaultyApi, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with few threads, at an API server that fails on request."""
    config = tmp_path / "faulty-kubeconfig"
    config.write_text(api.kubeconfig)
    with stage.run_gateway(KUBECONFIG=str(config), THREADS=str(_THREADS)) as gateway:
        yield gateway


def _ask(gateway: Gateway, stage: Stage, method: str, path: str, **options: Any) -> int:
    answer = requests.request(
        method, gateway.url + path, headers=stage.header("ann"), timeout=_PATIENCE, **options
    )
    if answer.status_code == 503:
        assert answer.headers["Retry-After"]
        assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code


def _everything(name: str) -> list[tuple[str, str, dict[str, Any]]]:
    path = f"/v1/conversions/{name}"
    return [
        ("GET", "/v1/conversions", {}),
        ("GET", path, {}),
        ("GET", f"{path}/source", {}),
        ("PATCH", path, {"json": {"priority": 1}}),
        ("DELETE", path, {}),
        ("POST", "/v1/conversions", {"data": VIDEO}),
        ("POST", "/v1/conversions", {"json": {"source": {"conversion": name}}}),
        ("POST", "/v1/batches", {"json": {"sources": [{"conversion": name}]}}),
        ("GET", "/v1/me", {}),
        ("GET", f"/download?fid={name.removeprefix('vc-')}", {}),
    ]


def _ask_everything(gateway: Gateway, stage: Stage, name: str) -> dict[str, int]:
    """Ask more at once than there are threads."""
    calls = _everything(name)
    with ThreadPoolExecutor(len(calls)) as pool:
        statuses = pool.map(lambda c: _ask(gateway, stage, c[0], c[1], **c[2]), calls)
        return {f"{c[0]} {c[1]}": s for c, s in zip(calls, statuses, strict=True)}


def _upload(gateway: Gateway, stage: Stage) -> str:
    answer = requests.post(
        f"{gateway.url}/v1/conversions", data=VIDEO, headers=stage.header("ann"), timeout=30
    )
    assert answer.status_code == 202, answer.text + gateway.log()
    name: str = answer.json()["id"]
    return name


@pytest.mark.parametrize("status", [SILENCE, 500, 429])
def test_an_api_server_that_is_away_is_a_503(
    outer: Gateway, stage: Stage, api: FaultyApi, status: int
):
    name = _upload(outer, stage)
    api.faults += [
        Fault(Target(method, "soundstrip.dev"), status, times=_ALWAYS)
        for method in ("GET", "POST", "PATCH", "DELETE")
    ]
    told = _ask_everything(outer, stage, name)
    assert set(told.values()) == {503}, told
    api.faults.clear()
    wait_until(lambda: _ask(outer, stage, "GET", f"/v1/conversions/{name}") == 200, "it is back")
    assert _ask(outer, stage, "DELETE", f"/v1/conversions/{name}") == 204
    assert stage.leftovers() == {"sources.files": 1, "sources.chunks": 1}


def test_of_several_outputs_all_are_made_or_none(outer: Gateway, stage: Stage, api: FaultyApi):
    """The second can't be made: the first is taken back, and no file is left."""

    def is_second(body: dict[str, Any]) -> bool:
        return bool(body) and body["spec"].get("output") == {"format": "flac"}

    target = Target("POST", "videoconversions", holds=is_second)
    api.faults.append(Fault(target, 500, times=_ALWAYS))
    outputs = {"outputs": '[{"format": "opus"}, {"format": "flac"}]'}
    refused = _ask(outer, stage, "POST", "/v1/conversions", data=VIDEO, params=outputs)
    assert refused == 503
    assert stage.leftovers() == {}
    listed = requests.get(
        f"{outer.url}/v1/conversions", headers=stage.header("ann"), timeout=_PATIENCE
    )
    assert listed.json()["items"] == []


def test_a_mongodb_that_is_frozen_is_a_503(outer: Gateway, stage: Stage, mongo_server: Server):
    name = _upload(outer, stage)
    mongo_server.pause()
    try:
        told = _ask_everything(outer, stage, name)
        health = requests.get(f"{outer.url}/health", timeout=_PATIENCE)
    finally:
        mongo_server.unpause()
    live = f"GET /v1/conversions/{name}"
    by_the_cluster_alone = {live, f"PATCH /v1/conversions/{name}", f"DELETE /v1/conversions/{name}"}
    others = {s for call, s in told.items() if call not in by_the_cluster_alone}
    assert others <= {503, 404, 202}, told
    assert told["POST /v1/conversions"] == 503
    assert told["GET /v1/me"] == 503
    assert "mongodb" in health.json()["missing"]
    wait_until(lambda: _ask(outer, stage, "GET", "/v1/me") == 200, "it is back", seconds=60)
    assert _upload(outer, stage)
