"""The API server or MongoDB away: 503 in bounded time, no thread stuck, no restart needed."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
import requests
from bson import ObjectId
from tests.api_server import CONTEXT, kubeconfig_of
from tests.containers import Server, paused
from tests.faulty_api import SILENCE, Fault, FaultyApi, Target
from tests.gateways import MEBIBYTE, VIDEO, Gateway, Stage, read_what_comes
from tests.waiting import wait_until

from soundstrip_storage.layout import CHUNK_SIZE

_THREADS = 4
_PATIENCE = 120
"""Seconds after which a request counts as stuck."""

_ALWAYS = 1_000_000

_TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def shared_api(crd: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyApi]:
    with FaultyApi(kubeconfig_of(CONTEXT), tmp_path_factory.mktemp("api")).serving() as api:
        yield api


@pytest.fixture
def api(shared_api: FaultyApi) -> Iterator[FaultyApi]:
    yield shared_api
    shared_api.faults.clear()


@pytest.fixture(scope="module")
def shared_gateway(
    shared_stage: Stage, shared_api: FaultyApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with few threads, and a quota for which it asks an API server that may fail."""
    config = tmp_path_factory.mktemp("outer") / "kubeconfig"
    config.write_text(shared_api.kubeconfig)
    settings = {"THREADS": str(_THREADS), "QUOTAS": '{"user": {"concurrent": 50}}'}
    with shared_stage.run_gateway(KUBECONFIG=str(config), **settings) as gateway:
        yield gateway


def _ask(gateway: Gateway, stage: Stage, method: str, path: str, **options: Any) -> int:
    headers = stage.header("ann") | options.pop("headers", {})
    answer = requests.request(
        method, gateway.url + path, headers=headers, timeout=_PATIENCE, **options
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
        ("POST", "/v1/uploads", {"headers": _TUS | {"Upload-Length": "1000"}}),
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
    gateway: Gateway, stage: Stage, api: FaultyApi, status: int
):
    name = _upload(gateway, stage)
    api.faults += [
        Fault(Target(method, "soundstrip.dev"), status, times=_ALWAYS)
        for method in ("GET", "POST", "PATCH", "DELETE")
    ]
    told = _ask_everything(gateway, stage, name)
    assert set(told.values()) == {503}, told
    account = stage.database["accounts"].find_one({"_id": "ann"})
    assert account is None or account["holds"] == []
    api.faults.clear()
    wait_until(lambda: _ask(gateway, stage, "GET", f"/v1/conversions/{name}") == 200, "it is back")
    assert _ask(gateway, stage, "DELETE", f"/v1/conversions/{name}") == 204
    assert stage.leftovers() == {"sources.files": 1, "sources.chunks": 1}


def test_of_several_outputs_all_are_made_or_none(gateway: Gateway, stage: Stage, api: FaultyApi):
    """The second can't be made: the first is taken back, and no file is left."""

    def is_second(body: dict[str, Any]) -> bool:
        return bool(body) and body["spec"].get("output") == {"format": "flac"}

    target = Target("POST", "videoconversions", holds=is_second)
    api.faults.append(Fault(target, 500, times=_ALWAYS))
    outputs = {"outputs": '[{"format": "opus"}, {"format": "flac"}]'}
    refused = _ask(gateway, stage, "POST", "/v1/conversions", data=VIDEO, params=outputs)
    assert refused == 503
    assert stage.leftovers() == {}
    listed = requests.get(
        f"{gateway.url}/v1/conversions", headers=stage.header("ann"), timeout=_PATIENCE
    )
    assert listed.json()["items"] == []


def test_a_mongodb_that_is_frozen_is_a_503(gateway: Gateway, stage: Stage, mongo_server: Server):
    name = _upload(gateway, stage)
    with paused(mongo_server):
        told = _ask_everything(gateway, stage, name)
        health = requests.get(f"{gateway.url}/health", timeout=_PATIENCE)
    live = f"GET /v1/conversions/{name}"
    by_the_cluster_alone = {live, f"PATCH /v1/conversions/{name}", f"DELETE /v1/conversions/{name}"}
    others = {s for call, s in told.items() if call not in by_the_cluster_alone}
    assert others <= {503, 404, 202}, told
    assert told["POST /v1/conversions"] == 503
    assert told["GET /v1/me"] == 503
    assert "mongodb" in health.json()["missing"]
    wait_until(lambda: _ask(gateway, stage, "GET", "/v1/me") == 200, "it is back", seconds=60)
    assert _upload(gateway, stage)


class _Slow:
    """A body whose second half waits for a word."""

    def __init__(self, data: bytes, go_on: Event) -> None:
        self._data = data
        self._go_on = go_on

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        yield self._data[: len(self._data) // 2]
        assert self._go_on.wait(_PATIENCE)
        yield self._data[len(self._data) // 2 :]


def test_what_is_under_way_when_mongodb_freezes_ends_in_time_and_is_gone_on_with(
    gateway: Gateway, stage: Stage, mongo_server: Server
):
    """A download breaks off, an upload is told; neither has lost what came through."""
    audio = hashlib.shake_256(b"noise").digest(48 * MEBIBYTE)
    name = _upload(gateway, stage)
    stage.finish(name, "Succeeded", audio)
    path, headers = f"{gateway.url}/v1/conversions/{name}/result", stage.header("ann")
    download = requests.get(path, headers=headers, timeout=_PATIENCE, stream=True)
    got = download.raw.read(1000)

    video = VIDEO + bytes(40 * CHUNK_SIZE)
    tus, go_on = headers | _TUS, Event()
    told = tus | {"Upload-Length": str(len(video))}
    upload = requests.post(f"{gateway.url}/v1/uploads", headers=told, timeout=_PATIENCE)
    url = upload.headers["Location"]
    piece = tus | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    chunks = {"files_id": ObjectId(url.rpartition("/")[2])}
    with ThreadPoolExecutor(1) as client:
        body = _Slow(video, go_on)
        sent = client.submit(requests.patch, url, data=body, headers=piece, timeout=_PATIENCE)
        sources = stage.database["sources.chunks"]
        wait_until(lambda: sources.count_documents(chunks), "chunks arrive")
        with paused(mongo_server):
            go_on.set()
            refused = sent.result()
            got += read_what_comes(download)
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    assert len(got) < len(audio)

    more = {"Range": f"bytes={len(got)}-", "If-Range": download.headers["ETag"]}
    wait_until(lambda: _ask(gateway, stage, "GET", "/v1/me") == 200, "it is back", seconds=60)
    rest = requests.get(path, headers=headers | more, timeout=_PATIENCE)
    assert (rest.status_code, got + rest.content == audio) == (206, True)
    assert "Soundstrip-Conversion" in _finish(url, tus, video).headers


def _finish(url: str, headers: dict[str, str], video: bytes) -> requests.Response:
    """Send what is missing, as a tus client does: again while the broken request's lease holds."""
    tries: list[requests.Response] = []

    def patch() -> bool:
        known = requests.head(url, headers=headers, timeout=_PATIENCE)
        offset = known.headers["Upload-Offset"]
        assert 0 < int(offset) < len(video)
        piece = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": offset}
        rest = video[int(offset) :]
        tries.append(requests.patch(url, data=rest, headers=headers | piece, timeout=_PATIENCE))
        assert tries[-1].status_code in (204, 409, 423), tries[-1].text
        return tries[-1].ok

    wait_until(patch, "the upload is complete")
    return tries[-1]
