"""A replica as it runs in a pod: the gateway and the process for live events side by side."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from sseclient import SSEClient
from tests.forks import Fork
from tests.gateway_process import Gateway, Start
from tests.gateways import Stage
from tests.processes import Program, ending, free_port
from tests.waiting import wait_until

Body = dict[str, Any]


class Live:
    """The process for live events."""

    def __init__(self, process: Program, port: int, log: Path) -> None:
        self._process = process
        self._port = port
        self._log = log

    def log(self) -> str:
        """Return what it has printed."""
        return self._log.read_text()

    def health(self) -> Body:
        """Return what it says of itself; empty if it does not answer."""
        try:
            answer: Body = requests.get(f"http://127.0.0.1:{self._port}/health", timeout=30).json()
        except requests.ConnectionError:
            assert self._process.poll() is None, self.log()
            return {}
        return answer

    def is_healthy(self) -> bool:
        """Whether it sees the conversions."""
        return self.health().get("status") == "ok"

    def streams(self) -> int:
        """How many streams it serves."""
        return int(self.health().get("streams", -1))

    def metric(self, line: str) -> float:
        """Return a number of its metrics, by the name and labels before it."""
        told = requests.get(f"http://127.0.0.1:{self._port}/metrics", timeout=30).text
        found = re.search(rf"^{re.escape(line)} (.+)$", told, re.MULTILINE)
        assert found, told
        return float(found[1])

    def memory(self) -> int:
        """Return the bytes that are resident."""
        text = Path(f"/proc/{self._process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found
        return int(found[1]) * 1024

    def kill(self) -> None:
        """End it without warning."""
        self._process.kill()
        self._process.wait(60)

    def terminate(self) -> int:
        """Ask it to end, and return its exit code."""
        self._process.terminate()
        return self._process.wait(60)


@dataclass(frozen=True)
class Replica:
    """Both of them."""

    gateway: Gateway
    live: Live
    socket: str

    @property
    def url(self) -> str:
        """Where its clients go."""
        return self.gateway.url

    def kill(self) -> None:
        """End all of it without warning."""
        self.live.kill()
        self.gateway.kill()


@contextmanager
def run_live(stage: Stage, path: str, start: Start = Fork, **changes: str) -> Iterator[Live]:
    """Run the process for live events, as soon as it sees the conversions."""
    port = free_port()
    log = Path(path).with_name(f"live-{port}.log")
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(stage.kubeconfig),
        "NAMESPACE": stage.kube.name,
        "LIVE_SOCKET": path,
        "HOST": "127.0.0.1",
        "PORT": str(port),
    }
    with ending(start("soundstrip_gateway.live", environment | changes, log)) as process:
        live = Live(process, port, log)
        wait_until(live.is_healthy, "the live process sees the conversions", seconds=120)
        yield live


@contextmanager
def run_replica(
    stage: Stage,
    kubeconfig: str = "",
    gateway: dict[str, str] | None = None,
    start: Start = Fork,
    **changes: str,
) -> Iterator[Replica]:
    """Run both; `gateway` and `changes` are environment variables of the one and the other."""
    with tempfile.TemporaryDirectory(prefix="live-") as directory:
        path = f"{directory}/socket"  # a Unix socket's path has 107 bytes at most
        config = Path(directory, "kubeconfig")
        config.write_text(kubeconfig or stage.kubeconfig.read_text())
        way = {"KUBECONFIG": str(config)}
        with (
            run_live(stage, path, start, **way, **changes) as live,
            stage.run_gateway(LIVE_SOCKET=path, **way, **(gateway or {})) as face,
        ):
            yield Replica(face, live, path)


class Reader:
    """A client by a public library for server-sent events."""

    def __init__(self, url: str, headers: dict[str, str], mark: str = "") -> None:
        """Open the stream; `mark` is the Last-Event-ID."""
        known = {"Last-Event-ID": mark} if mark else {}
        self.mark = mark
        self.answer = requests.get(url, headers=headers | known, stream=True, timeout=60)
        self._events = SSEClient(self.answer).events() if self.answer.ok else iter(())

    def next(self) -> tuple[str, Body]:
        """Return the next event's kind and data."""
        event = next(self._events)
        self.mark = event.id or self.mark
        return event.event, json.loads(event.data)

    def until(self, kind: str, **members: Any) -> Body:
        """Read on until an event of this kind with these members of its data."""
        while True:
            found, data = self.next()
            if found == kind and members.items() <= data.items():
                return data

    def rest(self) -> list[tuple[str, Body]]:
        """Return all events until the server ends the stream."""
        events = []
        while True:
            try:
                events.append(self.next())
            except StopIteration:
                return events

    def close(self) -> None:
        """Hang up."""
        self.answer.close()


def conversion(number: int, owner: str) -> Body:
    """Return a conversion that the gateway could have made."""
    file_id = f"{number:024x}"
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "VideoConversion",
        "metadata": {"name": f"vc-{file_id}", "labels": {"soundstrip.dev/owner": owner}},
        "spec": {
            "source": {
                "fileId": file_id,
                "filename": "clip.mp4",
                "size": 10,
                "contentType": "video/mp4",
                "sha256": "0" * 64,
            },
            "owner": {"id": owner, "name": owner},
        },
    }


def advance(stage: Stage, bodies: list[Body], percent: int, reason: str = "Converting") -> None:
    """Say how far conversions are, as the operator would; 100 is the end of a failure."""
    is_over = percent == 100
    for body in bodies:
        succeeded = {
            "type": "Succeeded",
            "status": "False" if is_over else "Unknown",
            "reason": "CorruptMedia" if is_over else reason,
            "message": "A sentence.",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
            "observedGeneration": 1,
        }
        finished = succeeded | {"type": "Finished", "status": "True" if is_over else "False"}
        body["status"] = {"conditions": [succeeded, finished], "progress": {"percent": percent}}
    stage.kube.replace_statuses(bodies)
