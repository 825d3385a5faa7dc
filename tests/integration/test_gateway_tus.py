"""Uploads that come in several requests, by tus 1.0.0, at real gateways and by public clients."""

import base64
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.faulty_api import Fault, FaultyApi, Target
from tests.gateways import MEBIBYTE, VIDEO, Gateway, Stage
from tests.processes import ending
from tests.waiting import wait_until
from tusclient.client import TusClient

from soundstrip_storage.layout import CHUNK_SIZE
from soundstrip_storage.setup import set_up_collections

_CLIENT = Path(__file__).parents[1] / "tus_client"
_PIECE = {"Content-Type": "application/offset+octet-stream"}


class User:
    """Somebody who speaks tus by hand, to any of the gateways."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.headers = stage.header(name) | {"Tus-Resumable": "1.0.0"}

    def begin(
        self, gateway: Gateway, length: int | None, data: bytes = b"", **words: str
    ) -> requests.Response:
        encoded = (f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())
        headers = {"Upload-Metadata": ",".join(encoded)} | (_PIECE if data else {})
        told = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        url = f"{gateway.url}/v1/uploads"
        return requests.post(url, data=data, headers=self.headers | headers | told, timeout=60)

    def append(
        self, url: str, offset: int, data: bytes, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        told = self.headers | _PIECE | {"Upload-Offset": str(offset)} | dict(headers or {})
        return requests.patch(url, data=data, headers=told, timeout=60)

    def append_when_free(self, url: str, offset: int, data: bytes) -> None:
        """Append, again and again while another request is at the upload."""

        def is_taken() -> bool:
            answer = self.append(url, offset, data)
            assert answer.status_code in {204, 423}, answer.text
            return answer.ok

        wait_until(is_taken, "nobody else is at the upload")

    def look(self, url: str) -> requests.Response:
        return requests.head(url, headers=self.headers, timeout=60)

    def offset(self, url: str) -> int:
        return int(self.look(url).headers["Upload-Offset"])

    def end(self, url: str) -> requests.Response:
        return requests.delete(url, headers=self.headers, timeout=60)

    @contextmanager
    def sending(self, url: str, offset: int, length: int, data: bytes) -> Iterator[socket.socket]:
        """Send the beginning of a request's body, and let the connection stand."""
        host, _, rest = url.removeprefix("http://").partition(":")
        port, _, path = rest.partition("/")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            told = self.headers | _PIECE | {"Upload-Offset": offset, "Content-Length": length}
            lines = [f"PATCH /{path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in told.items())]
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)
            yield connection


@pytest.fixture(autouse=True, scope="module")
def indexes(shared_stage: Stage) -> None:
    set_up_collections(shared_stage.database)


@pytest.fixture
def ann(stage: Stage) -> User:
    return User(stage, "ann")


@pytest.fixture(scope="module")
def other(shared_stage: Stage) -> Iterator[Gateway]:
    """Another replica."""
    with shared_stage.run_gateway() as gateway:
        yield gateway


def _video(size: int) -> bytes:
    return (VIDEO + os.urandom(max(0, size - len(VIDEO))))[:size]


def _at(gateway: Gateway, url: str) -> str:
    """Return the upload's URL at another replica."""
    return f"{gateway.url}/v1/uploads/{url.rpartition('/')[2]}"


@contextmanager
def _lease_held(stage: Stage) -> Iterator[None]:
    """Let the lease on the only upload last until the block ends, however slow the machine is."""
    uploads, late = stage.database["uploads"], datetime.now(UTC) + timedelta(minutes=5)
    before = uploads.find_one_and_update({}, {"$set": {"heldUntil": late}})
    yield
    uploads.update_one({}, {"$set": {"heldUntil": before["heldUntil"]}})


def _made_of(stage: Stage, data: bytes) -> dict[str, Any]:
    """Return the only conversion there is, after a look at its source."""
    [made] = stage.kube.list("videoconversions")
    source = made["spec"]["source"]
    assert (source["size"], source["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    chunks = stage.database["sources.chunks"].find().sort("n", 1)
    assert b"".join(chunk["data"] for chunk in chunks) == data
    assert "intents" not in stage.leftovers()
    return made


def test_what_comes_in_pieces_at_any_replica_becomes_one_conversion(
    ann: User, stage: Stage, gateway: Gateway, other: Gateway
):
    data = _video(3 * CHUNK_SIZE + 5)
    begun = ann.begin(gateway, len(data), filename="Käse.mp4", filetype="video/mp4", quality="V2")
    assert begun.status_code == 201
    url, at = begun.headers["Location"], 0
    for size in (10, 2000, CHUNK_SIZE, 1, len(data)):
        url = _at(other if url.startswith(gateway.url) else gateway, url)
        piece = data[at : at + size]
        taken = ann.append(url, at, piece)
        assert taken.status_code == 204, taken.text
        at += len(piece)
        assert taken.headers["Upload-Offset"] == str(at)
        assert taken.headers["Upload-Expires"]
    made = _made_of(stage, data)
    where = f"/v1/conversions/{made['metadata']['name']}"
    assert taken.headers["Soundstrip-Conversion"] == where
    assert made["spec"]["source"]["filename"] == "Käse.mp4"
    assert made["spec"]["output"]["quality"] == "V2"
    assert requests.get(gateway.url + where, headers=ann.headers, timeout=30).ok
    known = ann.look(url).headers
    assert (known["Upload-Length"], known["Soundstrip-Conversion"]) == (str(len(data)), where)
    assert ann.append(url, len(data), b"").status_code == 204
    assert ann.end(url).status_code == 204
    assert ann.look(url).status_code == 404
    _made_of(stage, data)


def test_an_upload_may_come_with_its_beginning_and_tell_its_length_later(
    ann: User, stage: Stage, gateway: Gateway
):
    data = _video(CHUNK_SIZE + 5)
    begun = ann.begin(gateway, None, data[:1500])
    url = begun.headers["Location"]
    assert begun.headers["Upload-Offset"] == "1500"
    assert ann.look(url).headers["Upload-Defer-Length"] == "1"
    length = {"Upload-Length": str(len(data))}
    assert ann.append(url, 1500, data[1500:], length).headers["Soundstrip-Conversion"]
    _made_of(stage, data)


def test_what_a_checksum_denies_is_not_kept(ann: User, stage: Stage, gateway: Gateway):
    data = _video(3 * CHUNK_SIZE)
    url = ann.begin(gateway, len(data), data[:1200]).headers["Location"]
    digest = base64.b64encode(hashlib.sha1(data[1200:]).digest()).decode()  # noqa: S324
    proof = {"Upload-Checksum": f"sha1 {digest}"}
    denied = ann.append(url, 1200, data[1200:-1] + b"?", proof)
    assert (denied.status_code, denied.json()["type"].endswith("checksum-mismatch")) == (460, True)
    assert ann.offset(url) == 1200
    assert ann.append(url, 1200, data[1200:], {"Upload-Checksum": "crc32 AA=="}).status_code == 400
    assert ann.append(url, 1200, data[1200:], proof).status_code == 204
    _made_of(stage, data)


def test_what_is_refused_leaves_nothing(ann: User, stage: Stage, gateway: Gateway):
    text = b"This is a text by another name.\n" * 100
    assert ann.begin(gateway, 63).status_code == 422
    assert ann.begin(gateway, 200 * MEBIBYTE).status_code == 413
    assert ann.begin(gateway, 5000, bitrate="999k").status_code == 422
    assert ann.begin(gateway, 5000, filetype="text/html").status_code == 415
    assert ann.begin(gateway, len(text), text).status_code == 415
    url = ann.begin(gateway, len(text)).headers["Location"]
    assert ann.append(url, 0, text[:500]).status_code == 204
    assert ann.append(url, 500, text[500:]).status_code == 415
    assert ann.look(url).status_code == 404
    assert stage.leftovers() == {}
    del ann.headers["Tus-Resumable"]
    without = ann.begin(gateway, 5000)
    assert (without.status_code, without.headers["Tus-Version"]) == (412, "1.0.0")


def test_a_wrong_place_changes_nothing(ann: User, gateway: Gateway):
    data = _video(5000)
    url = ann.begin(gateway, len(data), data[:2000]).headers["Location"]
    for offset in (0, 1999, 2001):
        assert ann.append(url, offset, data[offset:]).status_code == 409
    assert ann.append(url, 2000, data[2000:] + b"more").status_code == 413
    assert ann.offset(url) == 2000


def test_to_anybody_else_an_upload_does_not_exist(ann: User, stage: Stage, gateway: Gateway):
    url = ann.begin(gateway, 5000, _video(2000)).headers["Location"]
    bob = User(stage, "bob")
    for answer in (bob.look(url), bob.append(url, 2000, bytes(3000)), bob.end(url)):
        assert answer.status_code == 404
    assert ann.offset(url) == 2000
    assert ann.end(url).status_code == 204
    assert stage.leftovers() == {}


def test_a_connection_that_breaks_loses_no_byte(ann: User, stage: Stage, gateway: Gateway):
    data = _video(22 * CHUNK_SIZE + 77)
    url = ann.begin(gateway, len(data)).headers["Location"]
    with ann.sending(url, 0, len(data), data[: 21 * CHUNK_SIZE + 33]):
        wait_until(lambda: stage.leftovers().get("sources.chunks"), "chunks arrive")
    wait_until(lambda: ann.offset(url) == 21 * CHUNK_SIZE + 33, "all that was sent is kept")
    ann.append_when_free(url, 21 * CHUNK_SIZE + 33, data[21 * CHUNK_SIZE + 33 :])
    _made_of(stage, data)


def test_an_upload_that_was_begun_with_larger_chunks_goes_on_with_them(
    ann: User, stage: Stage, gateway: Gateway
):
    larger = 255 * 1024
    data = _video(3 * larger + 5)
    url = ann.begin(gateway, len(data)).headers["Location"]
    stage.database["uploads"].update_one({}, {"$unset": {"chunkSize": ""}})
    for start, stop in pairwise((0, 2 * larger + 7, len(data))):
        assert ann.append(url, start, data[start:stop]).status_code == 204
    _made_of(stage, data)
    assert [file["chunkSize"] for file in stage.database["sources.files"].find()] == [larger]


def test_of_two_at_once_one_waits_and_a_silent_one_is_overtaken(
    ann: User, stage: Stage, gateway: Gateway, other: Gateway
):
    data = _video(20 * CHUNK_SIZE + 9)
    url = ann.begin(gateway, len(data)).headers["Location"]
    with ann.sending(url, 0, len(data), data[: 17 * CHUNK_SIZE]) as silent:
        wait_until(lambda: ann.offset(url) >= 16 * CHUNK_SIZE, "chunks arrive")
        at = ann.offset(url)
        with _lease_held(stage):
            early = ann.append(_at(other, url), at, data[at:])
        assert (early.status_code, "Retry-After" in early.headers) == (423, True)
        ann.append_when_free(_at(other, url), at, data[at:])  # the silent one's lease lapses
        silent.sendall(data[17 * CHUNK_SIZE :])
        assert b" 423 " in silent.recv(4096)
    _made_of(stage, data)


def test_many_at_once_at_one_place_do_not_mix(ann: User, stage: Stage, gateway: Gateway):
    data = _video(9 * CHUNK_SIZE)
    url = ann.begin(gateway, len(data)).headers["Location"]
    with ThreadPoolExecutor(6) as users:
        sent = [users.submit(ann.append, url, 0, data) for _ in range(6)]
    assert {204} <= {each.result().status_code for each in sent} <= {204, 409, 423}
    _made_of(stage, data)


def test_an_upload_that_nobody_goes_on_with_expires(ann: User, stage: Stage):
    with stage.run_gateway(UPLOAD_EXPIRY_SECONDS="1", TAKE_UP_SECONDS="1") as gateway:
        url = ann.begin(gateway, 5000).headers["Location"]
        ann.append(url, 0, _video(2000))
        wait_until(lambda: stage.leftovers() == {}, "it is gone")
        assert ann.look(url).status_code in {404, 410}


def test_a_whole_upload_is_completed_when_the_api_server_is_back(
    ann: User, stage: Stage, api: FaultyApi, tmp_path: Path
):
    kubeconfig = tmp_path / "faulty"
    kubeconfig.write_text(api.kubeconfig)
    api.faults.append(Fault(Target("POST", "/videoconversions"), 500))
    data = _video(CHUNK_SIZE)
    with stage.run_gateway(KUBECONFIG=str(kubeconfig)) as gateway:
        refused = ann.begin(gateway, len(data), data)
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        assert stage.kube.list("videoconversions") == []
        [upload] = stage.database["uploads"].find()
        known = ann.look(f"{gateway.url}/v1/uploads/{upload['_id']}")
    assert (known.status_code, known.headers["Upload-Offset"]) == (200, str(len(data)))
    made = _made_of(stage, data)
    assert known.headers["Soundstrip-Conversion"].endswith(made["metadata"]["name"])


def test_a_whole_upload_whose_gateway_was_killed_is_completed_by_another(ann: User, stage: Stage):
    data = _video(2 * CHUNK_SIZE + 5)
    with stage.run_gateway() as gateway:
        url = ann.begin(gateway, len(data)).headers["Location"]
        with ann.sending(url, 0, len(data), data[:-1]):
            wait_until(lambda: stage.leftovers().get("uploads"), "it is under way")
            gateway.kill()
    key = stage.database["uploads"].find_one({})
    assert key
    last = {"offset": len(data), "tail": data[2 * CHUNK_SIZE :]}
    for n in range(2):
        chunk = {"files_id": key["_id"], "n": n}
        content = {"data": data[n * CHUNK_SIZE : (n + 1) * CHUNK_SIZE]}
        stage.database["sources.chunks"].update_one(chunk, {"$set": content}, upsert=True)
    kind = {"about.contentType": "video/mp4"}  # As if it had been killed one step later.
    stage.database["uploads"].update_one({}, {"$set": last | kind})
    with stage.run_gateway(TAKE_UP_SECONDS="1"):
        wait_until(lambda: stage.kube.list("videoconversions"), "it is completed")
        wait_until(lambda: "intents" not in stage.leftovers(), "and settled")
    _made_of(stage, data)


@pytest.mark.timeout(240)
def test_tuspy_goes_on_at_another_replica(ann: User, stage: Stage, other: Gateway, tmp_path: Path):
    data, file = _video(7 * MEBIBYTE), tmp_path / "talk.mp4"
    file.write_bytes(data)
    options: dict[str, Any] = {"chunk_size": 3 * MEBIBYTE, "upload_checksum": True}
    with stage.run_gateway() as doomed:
        client = TusClient(f"{doomed.url}/v1/uploads", headers=stage.header("ann"))
        first = client.uploader(str(file), metadata={"filename": "talk.mp4"}, **options)
        first.upload_chunk()
        doomed.kill()
    second = client.uploader(str(file), url=_at(other, first.url), **options)
    assert second.offset == 3 * MEBIBYTE
    second.upload()
    assert _made_of(stage, data)["spec"]["source"]["filename"] == "talk.mp4"


@pytest.fixture(scope="session")
def tus_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tus-js-client as its lock file has it, and the program that uses it."""
    folder = tmp_path_factory.mktemp("tus") / "client"
    shutil.copytree(_CLIENT, folder)
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return folder / "upload.mjs"


@pytest.mark.timeout(400)
def test_tus_js_client_goes_on_when_its_gateway_is_killed_in_the_middle(
    ann: User, stage: Stage, other: Gateway, tmp_path: Path, tus_js: Path
):
    """The client stops by itself long before the end, so that it can't be through too early."""
    data, file = _video(60 * MEBIBYTE), tmp_path / f"{secrets.token_hex(4)}.mp4"
    file.write_bytes(data)
    token = stage.auth.token("ann")
    metadata = json.dumps({"filename": "talk.mp4", "filetype": "video/mp4", "notify": "false"})
    with stage.run_gateway() as doomed:
        command = ["node", str(tus_js), str(file), token, metadata, doomed.url, other.url]
        with ending(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)) as client:
            chunks = stage.database["sources.chunks"]
            state = Path(f"/proc/{client.pid}/stat")
            wait_until(lambda: state.read_text().split()[2] == "T", "the client has stopped")
            wait_until(lambda: chunks.count_documents({}) > 8, "chunks arrive")
            doomed.kill()
            stored = chunks.count_documents({})
            client.send_signal(signal.SIGCONT)
            said, _ = client.communicate(timeout=240)
    lines = [json.loads(line) for line in said.splitlines()]
    assert "done" in lines[-1], said[-2000:]
    assert any(line.get("retry") == 0 for line in lines), "it was not disturbed"
    assert 8 < stored < len(data) // CHUNK_SIZE
    assert _made_of(stage, data)["spec"]["notify"] == {"email": False}
