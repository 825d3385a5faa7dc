"""What is charged to quotas, and given back: retries, several outputs, halves of uploads."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.faulty_api import Fault, FaultyApi, Target
from tests.gateways import VIDEO, Client, Gateway, Stage

from soundstrip_storage.setup import set_up_collections

CONVERSIONS = "/v1/conversions"
_ROOM = 100_000
_HALF = 60_000


@pytest.fixture
def gateway(stage: Stage, api: FaultyApi, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with quotas, at an API server that fails on request."""
    set_up_collections(stage.database)
    kubeconfig = tmp_path / "faulty"
    kubeconfig.write_text(api.kubeconfig)
    quotas = f'{{"user": {{"conversionsPerDay": 3, "bytes": {_ROOM}}}}}'
    with stage.run_gateway(KUBECONFIG=str(kubeconfig), QUOTAS=quotas) as gateway:
        yield gateway


def charges(stage: Stage, user: str) -> int:
    return stage.database["charges"].count_documents({"owner": user})


def test_what_begins_is_charged_and_what_could_not_begin_is_given_back(
    ann: Client, bob: Client, stage: Stage, api: FaultyApi
):
    first, second = (ann.upload().json()["id"] for _ in range(2))
    for name in (first, second):
        stage.finish(name, "CorruptMedia")
    assert ann.ask("POST", f"{CONVERSIONS}/{first}/retry").status_code == 202
    assert charges(stage, "ann") == 3
    assert ann.ask("POST", f"{CONVERSIONS}/{first}/retry").status_code == 409
    refused = ann.ask("POST", f"{CONVERSIONS}/{second}/retry")
    assert (refused.status_code, refused.json()["quota"]) == (429, "conversionsPerDay")
    body = stage.kube.get("videoconversion", second)
    assert body is not None
    assert body["spec"].get("run", 1) == 1
    assert charges(stage, "ann") == 3

    source = bob.upload().json()["id"]
    api.faults.append(Fault(Target("POST", "/videoconversions"), 500, about='"opus"'))
    outputs = [{"format": "flac"}, {"format": "opus"}]
    order = {"source": {"conversion": source}, "outputs": outputs}
    assert bob.ask("POST", CONVERSIONS, json=order).status_code == 503
    assert len(stage.kube.list("videoconversions")) == 4
    assert charges(stage, "bob") == 2
    assert bob.ask("POST", CONVERSIONS, json=order | {"outputs": outputs[1:]}).status_code == 202
    assert charges(stage, "bob") == 3


def test_a_batch_that_can_not_be_created_leaves_no_file_and_no_charge(
    ann: Client, stage: Stage, api: FaultyApi
):
    api.faults.append(Fault(Target("POST", "/conversionbatches"), 500))
    files = [("file", (f"{number}.mp4", VIDEO)) for number in range(2)]
    assert ann.ask("POST", "/v1/batches", files=files).status_code == 503
    assert (stage.leftovers(), charges(stage, "ann")) == ({}, 0)
    assert ann.ask("POST", "/v1/batches", files=files).status_code == 202
    assert charges(stage, "ann") == 2


def test_half_an_upload_takes_the_room_of_all_of_it(gateway: Gateway, stage: Stage):
    first = begin(gateway, stage, _HALF)
    assert first.status_code == 201
    refused = begin(gateway, stage, _HALF)
    assert (refused.status_code, refused.json()["quota"]) == (403, "bytes")
    assert append(stage, first, 0, VIDEO).status_code == 204
    assert begin(gateway, stage, _HALF).status_code == 403
    assert requests.delete(url(first), headers=header(stage), timeout=30).status_code == 204
    assert holds(stage) == []

    whole = VIDEO.ljust(_ROOM, b"\0")
    second = begin(gateway, stage, len(whole))
    assert append(stage, second, 0, whole[:_HALF]).status_code == 204
    assert [hold["bytes"] for hold in holds(stage)] == [_ROOM]
    done = append(stage, second, _HALF, whole[_HALF:])
    assert (done.status_code, holds(stage)) == (204, [])
    assert done.headers["Soundstrip-Conversion"]
    assert begin(gateway, stage, 100).status_code == 403


def test_an_upload_of_unknown_length_takes_what_has_come_and_no_more_than_there_is(
    gateway: Gateway, stage: Stage
):
    begun = begin(gateway, stage, None)
    assert append(stage, begun, 0, VIDEO.ljust(_HALF, b"\0")).status_code == 204
    assert [hold["bytes"] for hold in holds(stage)] == [_HALF]
    assert begin(gateway, stage, _HALF).status_code == 403
    refused = append(stage, begun, _HALF, bytes(_HALF))
    assert (refused.status_code, refused.json()["quota"]) == (403, "bytes")
    told = requests.head(url(begun), headers=header(stage), timeout=30)
    assert told.headers["Upload-Offset"] == str(_HALF)


def test_an_upload_that_is_refused_with_its_first_bytes_leaves_nothing(
    gateway: Gateway, stage: Stage
):
    wrong = {"Upload-Checksum": "sha1 AAAA", "Content-Type": "application/offset+octet-stream"}
    answer = begin(gateway, stage, _HALF, data=VIDEO, headers=wrong)
    assert answer.status_code == 460
    assert (stage.leftovers(), holds(stage)) == ({}, [])


def header(stage: Stage) -> dict[str, str]:
    return stage.header("ann") | {"Tus-Resumable": "1.0.0"}


def begin(
    gateway: Gateway,
    stage: Stage,
    length: int | None,
    headers: dict[str, str] | None = None,
    **options: Any,
) -> requests.Response:
    told = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    sent = header(stage) | told | (headers or {})
    return requests.post(f"{gateway.url}/v1/uploads", headers=sent, timeout=30, **options)


def append(stage: Stage, begun: requests.Response, offset: int, data: bytes) -> requests.Response:
    told = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    return requests.patch(url(begun), data=data, headers=header(stage) | told, timeout=30)


def url(begun: requests.Response) -> str:
    return begun.headers["Location"]


def holds(stage: Stage) -> list[dict[str, Any]]:
    account = stage.database["accounts"].find_one({"_id": "ann"})
    return account["holds"] if account else []
