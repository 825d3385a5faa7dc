"""Many files by one request: stored, checked and converted together, or not at all."""

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.gateways import MEBIBYTE, VIDEO, Client, Gateway, Stage

BATCHES = "/v1/batches"
KEY = {"Idempotency-Key": "5f9e7b5e-many-files"}
_BOUNDARY = "boundary"
_FILES, _FILE_MEBIBYTES = 6, 40


_SETTINGS = {
    "MAX_CONTENT_LENGTH": str(1024 * MEBIBYTE),
    "QUOTAS": f'{{"user": {{"uploadBytes": {50 * MEBIBYTE}}}}}',
}


@pytest.fixture(scope="module")
def shared_gateway(shared_stage: Stage) -> Iterator[Gateway]:
    with shared_stage.run_gateway(**_SETTINGS) as gateway:
        yield gateway


def send(client: Client, files: dict[str, bytes], **options: Any) -> requests.Response:
    parts = [("file", (name, data)) for name, data in files.items()]
    return client.ask("POST", BATCHES, files=parts, **options)


def test_many_files_by_one_request_become_one_batch(ann: Client, bob: Client, stage: Stage):
    files = {"a.mp4": VIDEO, "b.mp4": VIDEO + os.urandom(MEBIBYTE), "ä/c.mov": VIDEO + b"c"}
    fields = [("profiles", "voice"), ("profiles", "high"), ("parallelism", "2")]
    answer = send(ann, files, data=fields, headers=KEY)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert answer.headers["Location"] == f"{BATCHES}/{made['id']}" == made["links"]["self"]
    assert (made["sources"], made["profiles"], made["parallelism"]) == (3, ["voice", "high"], 2)
    body = stage.kube.get("conversionbatch", made["id"])
    assert body is not None
    items = body["spec"]["items"]
    assert [item["filename"] for item in items] == ["a.mp4", "b.mp4", "c.mov"]
    for item, data in zip(items, files.values(), strict=True):
        assert (item["size"], item["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert {file["metadata"]["owner"] for file in stage.database["sources.files"].find()} == {"ann"}
    assert stage.leftovers()["sources.files"] == 3
    assert "intents" not in stage.leftovers()
    assert stage.kube.list("videoconversions") == []

    again = send(ann, files, data=fields, headers=KEY)
    assert (again.status_code, again.json()) == (202, made)
    assert again.headers["Idempotency-Replayed"] == "true"
    swapped = dict(reversed(files.items()))
    assert send(ann, swapped, data=fields, headers=KEY).status_code == 422
    assert len(stage.kube.list("conversionbatches")) == 1
    assert stage.leftovers()["sources.files"] == 3
    assert bob.ask("GET", f"{BATCHES}/{made['id']}").status_code == 404


def test_if_one_file_is_refused_it_is_named_and_nothing_of_the_request_stays(
    ann: Client, stage: Stage
):
    large = VIDEO + bytes(51 * MEBIBYTE)
    for name, data, status, word in [
        ("notes.txt", b"no video at all " * 100, 415, "unsupported-media"),
        ("empty.mp4", b"", 422, "unprocessable"),
        ("large.mp4", large, 413, "quota-exceeded"),
    ]:
        answer = send(ann, {"a.mp4": VIDEO, "b.mp4": VIDEO, name: data}, headers=KEY)
        problem = answer.json()
        assert (answer.status_code, problem["file"], problem["number"]) == (status, name, 2)
        assert problem["type"].endswith(word)
        assert problem["detail"].startswith(f"{name}: ")
    for fields in ({"profiles": "voice", "bitrate": "192k"}, {"parallelism": "0"}):
        assert send(ann, {"a.mp4": VIDEO}, data=fields, headers=KEY).status_code == 422
    nothing = {"profiles": (None, "voice")}
    assert ann.ask("POST", BATCHES, files=nothing).status_code == 422
    assert stage.leftovers() == {}
    assert stage.kube.list("conversionbatches") == []
    assert send(ann, {"a.mp4": VIDEO}, headers=KEY).status_code == 202


@pytest.mark.timeout(400)
def test_the_memory_for_many_files_is_that_for_one(stage: Stage):
    kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    with stage.run_new_gateway(**_SETTINGS) as gateway:
        answer = requests.post(
            gateway.url + BATCHES,
            headers=stage.header("ann") | kind,
            data=_large_form(),
            timeout=300,
        )
        assert answer.status_code == 202, answer.text
        sizes = [file["length"] for file in stage.database["sources.files"].find()]
        assert sizes == [_FILE_MEBIBYTES * MEBIBYTE] * _FILES
        assert gateway.peak_memory() < 150 * MEBIBYTE


def _large_form() -> Iterator[bytes]:
    block = VIDEO.ljust(MEBIBYTE, b"\x5a")
    for number in range(_FILES):
        name = f'name="file"; filename="{number}.mp4"'
        yield f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode()
        yield from (block for _ in range(_FILE_MEBIBYTES))
        yield b"\r\n"
    yield f"--{_BOUNDARY}--\r\n".encode()
