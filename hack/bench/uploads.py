"""How fast files go through a gateway's worker process into a mongod, and out again.

The gateway is a real one with a real mongod; what stands for auth service and API server answers
at once. Beside it, in the same round, go the driver's own ways: `insert_many` of the same bytes,
and a `find` that only reads them.
"""

import json
import os
import re
import secrets
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import requests
import yaml
from bson import ObjectId
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hack.bench.target import Target
from pymongo import WriteConcern
from pymongo.errors import PyMongoError
from tests.containers import container
from tests.processes import free_port, running
from tests.waiting import wait_until

from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.layout import CHUNK_SIZE, Bucket
from soundstrip_storage.setup import set_up_collections

SIZE = 256 * 10**6
CROWD = 200
"""Uploads at once, of 10 MB each."""

_CROWD_BYTES = 10 * 10**6
_VIDEO = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"
_BATCH = 32
_BOUNDARY = "a-boundary-of-forty-characters-or-so-----"
_DRIVER_IN, _DRIVER_OUT = "insert_many of the same bytes", "find that only reads"
_RAW, _FORM, _OUT = "raw upload", "multipart upload", "download"

Figures = dict[str, list[float]]


def time_uploads(runs: int) -> Figures:
    """Return MB/s of each way in and out, run by run, and MiB that the gateway held at most."""
    with _open_stage() as stage:
        ways: Mapping[str, Callable[[], float]] = {
            _DRIVER_IN: stage.insert_plainly,
            _RAW: lambda: stage.upload(b"", b""),
            _FORM: lambda: stage.upload(*_form()),
            _DRIVER_OUT: stage.read_plainly,
            _OUT: stage.download,
        }
        rounds = [{name: way() for name, way in ways.items()} for _ in range(runs + 1)][1:]
        figures: Figures = {name: [one[name] for one in rounds] for name in ways}
        figures["most memory, MiB"] = [stage.peak_memory()]
        figures["uploads at once that failed"] = [float(stage.upload_crowd())]
        figures["most memory of uploads at once, MiB"] = [stage.peak_memory()]
    return figures


def list_targets(figures: Mapping[str, list[float]]) -> Iterator[Target]:
    """Return what is to be reached: of each pair, one of the two will do."""
    pairs = ((_RAW, 400, _DRIVER_IN), (_FORM, 250, _DRIVER_IN), (_OUT, 1000, _DRIVER_OUT))
    for way, bound, driver in pairs:
        yield Target(way, bound, figures[way], "MB/s", at_least=True)
        ratios = [a / b for a, b in zip(figures[way], figures[driver], strict=True)]
        yield Target(f"{way}, as a part of {driver}", 0.8, ratios, at_least=True)
    yield Target("most memory", 100, figures["most memory, MiB"], "MiB")
    crowd = f"{CROWD} uploads of 10 MB at once"
    taken = [CROWD - failed for failed in figures["uploads at once that failed"]]
    yield Target(f"{crowd}: taken", CROWD, taken, at_least=True)
    yield Target(f"{crowd}: memory", 400, figures["most memory of uploads at once, MiB"], "MiB")


class _Stage:
    """A gateway, its database, and a file of random bytes."""

    def __init__(self, database: Documents, port: int, pid: int, token: str, file: Path) -> None:
        self._database = database
        self._port, self._pid, self._token, self._file = port, pid, token, file

    def insert_plainly(self) -> float:
        """Insert the file's chunks as the driver's own manual would, and return MB/s."""
        self._clear()
        chunks = self._database[Bucket.SOURCES.chunks].with_options(write_concern=WriteConcern(w=1))
        key, count, start = ObjectId(), 0, time.perf_counter()
        with self._file.open("rb") as file:
            while batch := [data for _ in range(_BATCH) if (data := file.read(CHUNK_SIZE))]:
                chunks.insert_many(
                    [{"files_id": key, "n": count + n, "data": d} for n, d in enumerate(batch)]
                )
                count += len(batch)
        return SIZE / 1e6 / (time.perf_counter() - start)

    def upload(self, head: bytes, tail: bytes, size: int = SIZE) -> float:
        """Upload the file by one request, and return MB/s until the answer."""
        self._clear()
        start = time.perf_counter()
        self._send(head, tail, size)
        return size / 1e6 / (time.perf_counter() - start)

    def _send(self, head: bytes, tail: bytes, size: int) -> None:
        kind = f"multipart/form-data; boundary={_BOUNDARY}" if head else "video/mp4"
        lines = [
            "POST /v1/conversions HTTP/1.1",
            "Host: bench",
            f"Authorization: Bearer {self._token}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(head) + size + len(tail)}",
            "Connection: close",
        ]
        with socket.create_connection(("127.0.0.1", self._port), timeout=300) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + head)
            with self._file.open("rb") as file:
                connection.sendfile(file, 0, size)
            connection.sendall(tail)
            answer = connection.makefile("rb").readline()
        if b" 202 " not in answer:
            raise RuntimeError(f"the gateway answered {answer!r}")

    def read_plainly(self) -> float:
        """Read the chunks that the last upload left, and return MB/s."""
        start, total = time.perf_counter(), 0
        chunks = self._database[Bucket.SOURCES.chunks]
        for chunk in chunks.find({"files_id": self._stored()}, {"_id": 0, "data": 1}).sort("n", 1):
            total += len(chunk["data"])
        return total / 1e6 / (time.perf_counter() - start)

    def download(self) -> float:
        """Download the file that the last upload left, as a result, and return MB/s."""
        self._make_result()
        lines = [f"GET /v1/conversions/vc-{self._stored()}/result HTTP/1.1", "Host: bench"]
        lines += [f"Authorization: Bearer {self._token}", "Connection: close", "", ""]
        start, total, buffer = time.perf_counter(), 0, bytearray(1 << 20)
        with socket.create_connection(("127.0.0.1", self._port), timeout=60) as connection:
            connection.sendall("\r\n".join(lines).encode())
            while count := connection.recv_into(buffer):
                total += count
        if total < SIZE:
            raise RuntimeError(f"the download ended after {total} bytes")
        return SIZE / 1e6 / (time.perf_counter() - start)

    def _make_result(self) -> None:
        """Let the source that stands be a result too: the same chunks under the other name."""
        file = self._database[Bucket.SOURCES.files].find_one({})
        assert file
        key = {"_id": file["_id"]}
        if self._database[Bucket.RESULTS.files].count_documents(key):
            return
        self._database[Bucket.RESULTS.files].insert_one(file)
        copy = [{"$match": {"files_id": file["_id"]}}, {"$merge": Bucket.RESULTS.chunks}]
        self._database[Bucket.SOURCES.chunks].aggregate(copy)

    def upload_crowd(self) -> int:
        """Upload many files at once, and return how many failed."""
        failures: list[BaseException] = []

        def send() -> None:
            try:
                self._send(b"", b"", _CROWD_BYTES)
            except (OSError, RuntimeError) as error:
                failures.append(error)

        self._clear()
        threads = [threading.Thread(target=send) for _ in range(CROWD)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(failures)

    def peak_memory(self) -> float:
        """Return the most MiB that the gateway's worker process has held."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        status = Path(f"/proc/{children[0]}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024

    def _stored(self) -> ObjectId:
        file = self._database[Bucket.SOURCES.files].find_one({}, {"_id": 1})
        assert file
        key: ObjectId = file["_id"]
        return key

    def _clear(self) -> None:
        for bucket in Bucket:
            for collection in (bucket.files, bucket.chunks):
                self._database[collection].delete_many({})


def _form() -> tuple[bytes, bytes]:
    disposition = 'Content-Disposition: form-data; name="file"; filename="a.mp4"'
    head = f"--{_BOUNDARY}\r\n{disposition}\r\n\r\n".encode()
    return head, f"\r\n--{_BOUNDARY}--\r\n".encode()


@contextmanager
def _open_stage() -> Iterator[_Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        uri = os.environ.get("BENCH_MONGO_URI") or stack.enter_context(_mongod())
        database = connect(uri, "bench", application="bench")
        wait_until(lambda: _answers(database), "mongod answers")
        set_up_collections(database)
        key = Ed25519PrivateKey.generate()
        address = stack.enter_context(_stand_in(key, database))
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "AUTH_SVC_ADDR": address,
            "MONGO_URI": uri,
            "MONGO_DB": "bench",
            "KUBECONFIG": str(_kubeconfig(folder, address)),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "MAX_CONTENT_LENGTH": str(2 * SIZE),
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "soundstrip_gateway"]
        process = stack.enter_context(running(command, environment))
        wait_until(lambda: _lives(port), "the gateway answers")
        file = folder / "file"
        file.write_bytes(_VIDEO + os.urandom(SIZE - len(_VIDEO)))
        yield _Stage(database, port, process.pid, _token(key), file)


@contextmanager
def _mongod() -> Iterator[str]:
    password = secrets.token_hex(16)
    environment = {"MONGO_INITDB_ROOT_USERNAME": "root", "MONGO_INITDB_ROOT_PASSWORD": password}
    with container("mongo:8.0", 27017, environment=environment) as server:
        yield f"mongodb://root:{password}@127.0.0.1:{server.port}/?authSource=admin"


def _answers(database: Documents) -> bool:
    try:
        return bool(database.command("ping"))
    except PyMongoError:
        return False


def _lives(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).ok
    except requests.ConnectionError:
        return False


def _token(key: Ed25519PrivateKey) -> str:
    claims = {"iss": "soundstrip-auth", "aud": "soundstrip", "sub": "bench", "username": "bench"}
    expiry = {"exp": int(time.time()) + 3600}
    return jwt.encode(claims | expiry, key, algorithm="EdDSA", headers={"kid": "bench"})


def _kubeconfig(folder: Path, address: str) -> Path:
    file = folder / "kubeconfig"
    entry = {
        "clusters": [{"name": "bench", "cluster": {"server": f"http://{address}"}}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "current-context": "bench",
    }
    file.write_text(yaml.safe_dump(entry))
    return file


@contextmanager
def _stand_in(key: Ed25519PrivateKey, database: Documents) -> Iterator[str]:
    """Answer as the auth service and as an API server where every conversion has succeeded."""
    numbers = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    keys = [numbers | {"kid": "bench", "alg": "EdDSA", "use": "sig"}]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_conversion = "/videoconversions/" in self.path
            self._answer(_finished(database) if is_conversion else {"keys": keys})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _finished(database: Documents) -> dict[str, Any]:
    file = database[Bucket.SOURCES.files].find_one({})
    assert file
    about = {"fileId": str(file["_id"]), "filename": "a.mp4", "sha256": file["metadata"]["sha256"]}
    about |= {"size": file["length"], "contentType": "video/mp4"}
    result = {"durationSeconds": 1.0, "bitrate": 192_000}
    ends = [{"type": kind, "status": "True"} for kind in ("Succeeded", "Finished")]
    told = {
        "reason": "Succeeded",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "VideoConversion",
        "metadata": {"name": f"vc-{file['_id']}"},
        "spec": {"source": about, "owner": {"id": "bench", "name": "bench"}},
        "status": {"conditions": [end | told for end in ends], "result": about | result},
    }


def main() -> None:
    """Measure, and print what is met."""
    figures = time_uploads(int(sys.argv[1]) if sys.argv[1:] else 3)
    for name, values in figures.items():
        print(f"{name}: {', '.join(f'{value:.1f}' for value in values)}")
    print("\n".join(map(str, list_targets(figures))))


if __name__ == "__main__":
    main()
