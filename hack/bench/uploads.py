"""How fast files go through a gateway's worker process into a mongod, and out again.

The gateway is a real one with a real mongod; what stands for auth service and API server answers
at once. Beside it, in the same round, go the driver's own ways: `insert_many` of the same bytes,
and a `find` that only reads them. `uv run --frozen python -m hack.bench.uploads` prints a section
of docs/benchmarks.md; `--write` puts it there.
"""

import argparse
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bson import ObjectId
from hack.bench.gateway import RunningGateway, run_gateway
from hack.bench.page import describe_machine, renew_section
from hack.bench.target import Target
from pymongo import WriteConcern

from soundstrip_storage.layout import CHUNK_SIZE, Bucket

HEADING = "## A gateway's process"

_TEMPLATE = Path(__file__).with_name("uploads.md")

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


def measure_uploads(runs: int) -> str:
    """Measure, and return the section."""
    print(f"uploads: {runs} runs, about {runs * 8} s", flush=True)
    return (
        _TEMPLATE.read_text()
        .format(
            heading=HEADING,
            date=datetime.now(UTC).date(),
            machine=describe_machine(),
            targets="\n".join(map(str, list_targets(time_uploads(runs)))),
            runs=runs,
        )
        .rstrip()
    )


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

    def __init__(self, gateway: RunningGateway, file: Path) -> None:
        self._database = gateway.database
        self._gateway, self._file = gateway, file

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
            f"Authorization: Bearer {self._gateway.token}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(head) + size + len(tail)}",
            "Connection: close",
        ]
        with socket.create_connection(("127.0.0.1", self._gateway.port), timeout=300) as connection:
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
        lines += [f"Authorization: Bearer {self._gateway.token}", "Connection: close", "", ""]
        start, total, buffer = time.perf_counter(), 0, bytearray(1 << 20)
        with socket.create_connection(("127.0.0.1", self._gateway.port), timeout=60) as connection:
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
        copy: list[Mapping[str, Any]] = [
            {"$match": {"files_id": file["_id"]}},
            {"$merge": Bucket.RESULTS.chunks},
        ]
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
        children = (
            Path(f"/proc/{self._gateway.pid}/task/{self._gateway.pid}/children").read_text().split()
        )
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
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        file = folder / "file"
        file.write_bytes(_VIDEO + os.urandom(SIZE - len(_VIDEO)))
        with run_gateway(folder, 2 * SIZE) as gateway:
            yield _Stage(gateway, file)


def main() -> None:
    """Measure, and print or write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--write", action="store_true", help="renew the section of the page")
    wanted = parser.parse_args()
    section = measure_uploads(wanted.runs)
    if wanted.write:
        renew_section(HEADING, section)
    else:
        print(section)


if __name__ == "__main__":
    main()
