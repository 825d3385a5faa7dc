"""Plays the kubelet, and the worker in it, for pods that no scheduler takes.

API server and Job controller are real; only what a node would say and do comes from here.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from tests.kubernetes import Namespace
from tests.waiting import wait_until

from soundstrip_crds.conversion import Result
from soundstrip_crds.job import MoverReport
from soundstrip_crds.names import CONVERSION_LABEL, CONVERTER, MOVER
from soundstrip_storage.connection import Documents
from soundstrip_storage.gridfs import FileWriter
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.layout import Bucket, StoredFile

Body = dict[str, Any]


class Kubelet:
    """Says of pods what a kubelet would say, and stores what their movers would store."""

    def __init__(self, kube: Namespace, database: Documents) -> None:
        self._kube = kube
        self._database = database

    def pods(self, *conversions: str) -> list[Body]:
        """Wait until each of these conversions has a pod that has not ended, and return them."""
        wait_until(lambda: len(self._open(conversions)) == len(conversions), "all have pods")
        return self._open(conversions)

    def create(self, *conversions: str) -> None:
        """Have the containers of each pod created."""
        self._tell(self.pods(*conversions), "Pending", _CREATING, _CREATING)

    def start(self, *conversions: str) -> None:
        """Have both containers of each pod run."""
        self._tell(self.pods(*conversions), "Running", _running(), _running())

    def fail(self, *conversions: str, mover: int, converter: int) -> None:
        """Have the containers of each pod end with these exit codes."""
        self._tell(self.pods(*conversions), "Failed", _ended(mover), _ended(converter))

    def succeed(self, *conversions: str) -> None:
        """Have each pod store its result and say so."""
        pods = self.pods(*conversions)
        for pod in pods:
            report = MoverReport(result=self._store(pod))
            told = _ended(0, msgspec.json.encode(report).decode())
            pod["status"] = _status("Succeeded", told, _ended(0))
        self._kube.replace_statuses(pods)

    def _open(self, conversions: tuple[str, ...]) -> list[Body]:
        pods = self._kube.list("pods", f"--selector={CONVERSION_LABEL}")
        return [
            pod
            for pod in pods
            if pod["metadata"]["labels"][CONVERSION_LABEL] in conversions
            and pod["status"]["phase"] in {"Pending", "Running"}
            and "deletionTimestamp" not in pod["metadata"]
        ]

    def _tell(self, pods: list[Body], phase: str, mover: Body, converter: Body) -> None:
        for pod in pods:
            pod["status"] = _status(phase, mover, converter)
        self._kube.replace_statuses(pods)

    def _store(self, pod: Body) -> Result:
        """The first result of a run wins; the mover reports the winner, as the real one does."""
        name = pod["metadata"]["labels"][CONVERSION_LABEL]
        conversion = self._kube.get("videoconversion", name) or {}
        about = {
            "conversion": name,
            "conversionUid": conversion["metadata"]["uid"],
            "run": 1,
            "contentType": "audio/mpeg",
            "durationSeconds": 1.0,
            "bitrate": 192_000,
        }
        with FileWriter(self._database, Bucket.RESULTS, install="test", owner="u1") as writer:
            writer.write(b"audio")
            stored = writer.finish("clip.mp3", about)
            settle_intent(self._database, writer.id)
        return _result(stored)


_CREATING = {"waiting": {"reason": "ContainerCreating"}}


def _running() -> Body:
    return {"running": {"startedAt": _now()}}


def _ended(code: int, message: str = "") -> Body:
    reason = "Error" if code else "Completed"
    times = {"startedAt": _now(), "finishedAt": _now()}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, **times}}


def _status(phase: str, mover: Body, converter: Body) -> Body:
    return {
        "phase": phase,
        "startTime": _now(),
        "containerStatuses": [
            {
                "name": name,
                "state": state,
                "image": "worker",
                "imageID": "",
                "ready": "running" in state,
                "restartCount": 0,
            }
            for name, state in ((MOVER, mover), (CONVERTER, converter))
        ],
    }


def _result(stored: StoredFile) -> Result:
    return Result(
        file_id=stored.id,
        filename=stored.filename,
        size=stored.length,
        sha256=stored.sha256,
        content_type=stored.content_type,
        duration_seconds=stored.metadata["durationSeconds"],
        bitrate=stored.metadata["bitrate"],
    )


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
