"""How long a small clip takes from end to end, and where the time goes."""

import base64
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import requests
from tests.kubernetes import Namespace
from tests.media import make_clip
from tests.waiting import wait_until

PARTS = ("upload", "operator", "pod start", "fetch", "convert", "store", "settle", "end to end")

_GATEWAY = "http://127.0.0.1:8000"
_BODY = 100 * 10**6


class Sightings:
    """When a watch first saw an object in some state, by this machine's clock."""

    def __init__(self, namespace: Namespace, kind: str) -> None:
        command = ["kubectl", f"--context={namespace.context}", f"--namespace={namespace.name}"]
        watch = ["get", kind, "--watch", "--output=json"]
        self._process = subprocess.Popen([*command, *watch], stdout=subprocess.PIPE, text=True)
        self._seen: list[tuple[float, dict[str, Any]]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for body in _decode_stream(self._process.stdout):
            self._seen.append((time.time(), body))

    def first(self, matches: Callable[[dict[str, Any]], object]) -> float | None:
        """Return when the first object that matches was seen, or None."""
        return next((at for at, body in self._seen if matches(body)), None)

    def wait(self, matches: Callable[[dict[str, Any]], object], what: str) -> float:
        """Wait for the first object that matches, and return when it was seen."""
        wait_until(lambda: self.first(matches), what, seconds=120)
        return self.first(matches) or 0.0


def _decode_stream(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of a stream in which each ends on a line of its own."""
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            yield json.loads(text)
            text = ""


@dataclass(frozen=True)
class Bench:
    """The running installation, a clip, and watches on what happens."""

    namespace: Namespace
    headers: Mapping[str, str]
    clip: bytes
    conversions: Sightings
    jobs: Sightings

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Log in as the demo's user and begin to watch."""
        namespace = Namespace("soundstrip")
        secret = namespace.get("secret", "soundstrip-first-user")
        assert secret, "there is no installation: run `make demo` first"
        password = base64.b64decode(secret["data"]["password"]).decode()
        answer = requests.post(f"{_GATEWAY}/login", auth=("demo", password), timeout=30)
        answer.raise_for_status()
        return cls(
            namespace=namespace,
            headers={"Authorization": f"Bearer {answer.json()['token']}"},
            clip=make_clip(folder / "clip.mp4", seconds=10).read_bytes(),
            conversions=Sightings(namespace, "videoconversions"),
            jobs=Sightings(namespace, "jobs"),
        )

    def upload(self, body: bytes, name: str) -> str:
        """Upload a raw body and return the VideoConversion's name."""
        url = f"{_GATEWAY}/v1/conversions?filename={name}&notify=false"
        answer = requests.post(url, data=body, headers=self.headers, timeout=300)
        answer.raise_for_status()
        return f"vc-{answer.json()['id'].removeprefix('vc-')}"

    def measure_uploads(self, runs: int) -> tuple[float, list[float]]:
        """Return the most MiB that the gateway held, and MB/s of each upload of 100 MB."""
        # It begins as an MP4 does and is noise from there: stored, and refused by the converter.
        body = self.clip[:4096] + os.urandom(_BODY - 4096)
        speeds = []
        for _ in range(runs):
            start = time.perf_counter()
            name = self.upload(body, "noise.mp4")
            speeds.append(_BODY / 1e6 / (time.perf_counter() - start))
            self.namespace.kubectl("delete", "videoconversion", name, "--timeout=60s")
        return self._most_memory(), speeds

    def _most_memory(self) -> float:
        v1 = "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"
        read = f"cat {v1} 2>/dev/null || cat /sys/fs/cgroup/memory.peak"
        pod = ["exec", "deployment/soundstrip-gateway", "--", "sh", "-c", read]
        return int(self.namespace.kubectl(*pod)) / 1024**2


def time_conversion(bench: Bench) -> dict[str, float]:
    """Upload the clip, follow it to its end, and return the seconds of each part."""
    start = time.time()
    name = bench.upload(bench.clip, "clip.mp4")
    uploaded = time.time()

    def is_of(body: dict[str, Any]) -> bool:
        labels: dict[str, str] = body["metadata"].get("labels", {})
        return labels.get("soundstrip.dev/conversion") == name

    job = bench.jobs.wait(is_of, "the Job is there")
    stages = _follow_pod(bench.namespace, name)
    finished = bench.conversions.wait(lambda body: _is_finished(body, name), "it is finished")
    bench.namespace.kubectl("delete", "videoconversion", name, "--timeout=60s")
    marks = [start, uploaded, max(job, uploaded), *stages, finished]
    spans = [after - before for before, after in pairwise(marks)]
    return dict(zip(PARTS, [*spans, finished - start], strict=True))


def _is_finished(body: dict[str, Any], name: str) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    ends = [c for c in conditions if c["type"] == "Finished" and c["status"] == "True"]
    return body["metadata"]["name"] == name and bool(ends)


def _follow_pod(namespace: Namespace, name: str) -> list[float]:
    """Return when the mover began, had the source, saw the audio, and had stored it."""
    selector = f"--selector=soundstrip.dev/conversion={name}"

    def has_started() -> bool:
        pods = namespace.list("pods", selector)
        return any(pod["status"]["phase"] in ("Running", "Succeeded") for pod in pods)

    wait_until(has_started, "the pod runs", seconds=60)
    logs = namespace.kubectl("logs", selector, "--container=mover", "--follow", "--tail=-1")
    lines = [json.loads(line) for line in logs.splitlines()]
    times = {line["event"]: datetime.fromisoformat(line["timestamp"]).timestamp() for line in lines}
    return [times[event] for event in ("started", "source brought", "audio made", "result stored")]
