"""Runs mover and converter as the two processes that they are in a pod."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import msgspec
from tests.ffmpeg import ARCHITECTURE, PLATFORM, built, shipped
from tests.processes import RUN_LABEL

from soundstrip_crds.audio import Output
from soundstrip_crds.conversion import Source
from soundstrip_crds.job import ConverterReport, ExitCode, JobPlan, MoverReport
from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.gridfs import FileWriter, read_file
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.layout import INTENTS, Bucket, StoredFile
from soundstrip_storage.setup import set_up_collections
from soundstrip_worker.places import Places

OWNER = "7"
INSTALL = "test"
_SECONDS = 300 if ARCHITECTURE else 200


def make_plan(
    media: Path,
    *,
    file_id: str = "0" * 24,
    uid: str = "0f0e1c2d-1111-4222-8333-944455556666",
    output: Output | None = None,
    max_result_bytes: int = 100_000_000,
    cores: int = 1,
) -> JobPlan:
    """Plan the conversion of a file."""
    content = media.read_bytes()
    source = Source(
        file_id=file_id,
        filename=media.name,
        size=len(content),
        content_type="video/mp4",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return JobPlan(
        install=INSTALL,
        conversion=f"vc-{file_id}",
        uid=uid,
        run=1,
        try_number=1,
        owner=OWNER,
        source=source,
        output=(output or Output()).resolve(),
        max_result_bytes=max_result_bytes,
        cores=cores,
    )


class Bench:
    """A store of its own, and the pods that a test runs on it; leaving it ends them."""

    def __init__(self, directory: Path, mongo_uri: str, mongo_database: str) -> None:
        self.database = connect(mongo_uri, mongo_database, application="tests")
        self.variables = {"MONGO_URI": mongo_uri, "MONGO_DB": mongo_database}
        self._directory = directory
        self._pods: list[Pod] = []
        set_up_collections(self.database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pod in self._pods:
            pod.close()
        self.database.client.close()

    def pod(self, source: Path, **plan: Any) -> "Pod":
        """Upload a source and lay out a pod that is to convert it."""
        file_id = upload(self.database, source)
        return self.pod_for(make_plan(source, file_id=file_id, **plan))

    def pod_for(self, plan: JobPlan) -> "Pod":
        """Lay out a pod for a plan."""
        directory = self._directory / f"pod-{len(self._pods)}"
        directory.mkdir()
        pod = Pod(directory, plan, self.variables)
        self._pods.append(pod)
        return pod


def upload(database: Documents, media: Path, *, owner: str = OWNER) -> str:
    """Store a source as the gateway does, and return its id."""
    with FileWriter(database, Bucket.SOURCES, install=INSTALL, owner=owner) as writer:
        writer.write(media.read_bytes())
        stored = writer.finish(media.name, {"contentType": "video/mp4", "refs": []})
    settle_intent(database, stored.id)
    return stored.id


def download(database: Documents, plan: JobPlan, destination: Path) -> StoredFile:
    """Fetch the one result of a plan, checked against its own SHA-256."""
    (document,) = database[Bucket.RESULTS.files].find({"metadata.conversionUid": plan.uid})
    stored = StoredFile.parse(document)
    destination.write_bytes(b"".join(read_file(database, Bucket.RESULTS, stored)))
    assert hashlib.sha256(destination.read_bytes()).hexdigest() == stored.sha256
    return stored


def left_behind(database: Documents) -> dict[str, int]:
    """Count what the worker may have left in the store."""
    names = (Bucket.RESULTS.files, Bucket.RESULTS.chunks, INTENTS)
    return {name: database[name].count_documents({}) for name in names}


def said(pod: "Pod", event: str) -> dict[str, Any] | None:
    """Return the one line of the log that says this, or None."""
    lines = [msgspec.json.decode(line) for line in pod.logs().splitlines()]
    return next((line for line in lines if line["event"] == event), None)


class Pod:
    """A pod's two directories, and the processes that share them."""

    def __init__(self, directory: Path, plan: JobPlan, storage: Mapping[str, str]) -> None:
        self.plan = plan
        self.places = Places(source=directory / "source", output=directory / "output")
        self.variables: dict[str, str] = {}
        self._directory = directory
        self._storage = storage
        self._processes: list[subprocess.Popen[bytes]] = []
        self.end_log.touch()
        self.places.source.mkdir()
        self.places.output.mkdir()

    def mover(self, *prefix: str) -> subprocess.Popen[bytes]:
        """Start the mover, by way of `prefix` if there is one."""
        return self._start("mover", prefix, self._storage)

    def converter(self, *prefix: str) -> subprocess.Popen[bytes]:
        """Start the converter."""
        return self._start("converter", prefix, {})

    def run(self) -> tuple[ExitCode, ExitCode]:
        """Run both to their ends; return the mover's code and the converter's."""
        mover, converter = self.mover(), self.converter()
        return self.end_of(mover), self.end_of(converter)

    def end_of(self, process: subprocess.Popen[bytes], seconds: float = _SECONDS) -> ExitCode:
        """Wait for a process that is to end by itself, and return its code."""
        code = process.wait(seconds)
        assert code in set(ExitCode), f"{code}\n{self.logs()}"
        return ExitCode(code)

    def slow_down(self) -> None:
        """Let FFmpeg read no faster than the media plays, so that it can be met at work."""
        shim = self._directory / "bin" / "ffmpeg"
        shim.parent.mkdir()
        shim.write_text(f'#!/bin/sh\nexec {shipped() / "ffmpeg"} -re "$@"\n')
        shim.chmod(0o755)
        self.variables["PATH"] = f"{shim.parent}:{shipped()}:{os.environ['PATH']}"

    def mover_report(self) -> MoverReport:
        """The mover's termination message."""
        return msgspec.json.decode(self._termination_log("mover"), type=MoverReport)

    @property
    def end_log(self) -> Path:
        """The converter's termination log, which is there before it starts, as in a pod."""
        return self._directory / "converter.end"

    def converter_report(self) -> ConverterReport:
        """The converter's termination message."""
        return msgspec.json.decode(self._termination_log("converter"), type=ConverterReport)

    def logs(self) -> str:
        """What both printed."""
        return "".join(path.read_text() for path in sorted(self._directory.glob("*.log")))

    def children(self) -> list[int]:
        """The processes that work on this pod's files, but are none of its two containers."""
        own = {process.pid for process in self._processes}
        return [pid for pid in _mentioning(str(self.places.media)) if pid not in own]

    def close(self) -> None:
        """End what still runs."""
        for process in self._processes:
            process.kill()
            process.wait()

    def _termination_log(self, role: str) -> bytes:
        return (self._directory / f"{role}.end").read_bytes()

    def _start(
        self, role: str, prefix: tuple[str, ...], variables: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        given = {
            "SOUNDSTRIP_PLAN": msgspec.json.encode(self.plan).decode(),
            "SOURCE_DIRECTORY": str(self.places.source),
            "OUTPUT_DIRECTORY": str(self.places.output),
            "TERMINATION_LOG": str(self._directory / f"{role}.end"),
            **variables,
            **self.variables,
        }
        if ARCHITECTURE:
            command, environment = _in_container(self._directory, role, given)
        else:
            own = {"PATH": f"{shipped()}:{os.environ['PATH']}", "PYTHONSAFEPATH": "1"}
            command, environment = [sys.executable, "-m", "soundstrip_worker", role], own | given
        command = [*prefix, *command]
        with (self._directory / f"{role}.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._processes.append(process)
        return process


def _in_container(
    directory: Path, role: str, variables: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return how another architecture's image is run, and the variables of who runs it."""
    image = built("worker")
    assert image, "There is no image yet. Run: make arm64"
    bounds = (f"--label={RUN_LABEL}={os.getpid()}", "--network=host", "--read-only", "--user=0:0")
    names = [f"--env={name}" for name in variables]
    options = (*PLATFORM, *bounds, f"--volume={directory}:{directory}", *names)
    command = ["docker", "run", "--rm", *options, image, role]
    return command, {"PATH": os.environ["PATH"], **variables}


def _mentioning(text: str) -> list[int]:
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes()
        except OSError:
            continue  # It has just ended.
        if text.encode() in command:
            found.append(int(directory.name))
    return found
