"""Conversions, Jobs and pods as the API server would show them, for tests without one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import (
    API_VERSION,
    CONVERSION_LABEL,
    CONVERTER,
    FINALIZER,
    KIND,
    MOVER,
    OWNER_LABEL,
    RUN_LABEL,
    TRY_LABEL,
    job_name,
)
from soundstrip_operator.workload import Job, Pod

Body = dict[str, Any]

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FILE_ID = "0123456789abcdef01234567"

RESULT = {
    "fileId": "f" * 24,
    "filename": "clip.mp3",
    "size": 10,
    "sha256": "0" * 64,
    "contentType": "audio/mpeg",
    "durationSeconds": 1.0,
    "bitrate": 192000,
}

SUCCESS_REPORT = json.dumps({"result": RESULT})


def before(seconds: float, now: datetime = NOW) -> str:
    """Return the moment so many seconds ago, as Kubernetes writes it."""
    return (now - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def conversion_body(file_id: str = FILE_ID, uid: str = "uid-1", **parts: Any) -> Body:
    """Return a conversion that the gateway has made; `parts` replace metadata, spec, status."""
    source = {
        "fileId": file_id,
        "filename": "clip.mp4",
        "size": 1000,
        "contentType": "video/mp4",
        "sha256": "0" * 64,
    }
    metadata = {
        "name": f"vc-{file_id}",
        "namespace": "soundstrip",
        "uid": uid,
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": before(60),
        "labels": {OWNER_LABEL: "u1"},
        "finalizers": [FINALIZER],
    }
    spec = {"source": source, "owner": {"id": "u1", "name": "Ann"}}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata | parts.get("metadata", {}),
        "spec": spec | parts.get("spec", {}),
        "status": parts.get("status", {}),
    }


def conversion(**parts: Any) -> VideoConversion:
    """Return the same, parsed."""
    return VideoConversion.parse(conversion_body(**parts))


def condition(kind: str, status: str, reason: str, **parts: Any) -> Body:
    """Return a condition of a conversion."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "A sentence.",
        "lastTransitionTime": before(30),
        "observedGeneration": 1,
    } | parts


def accepted_status(*tries: Body) -> Body:
    """Return the status of an accepted conversion with these tries."""
    status: Body = {
        "observedGeneration": 1,
        "conditions": [
            condition("Accepted", "True", "SourceClaimed"),
            condition("Succeeded", "Unknown", "Pending"),
        ],
    }
    return status | ({"runs": [{"number": 1, "tries": list(tries)}]} if tries else {})


def one_try(number: int = 1, reason: str | None = None, ended: float = 100) -> Body:
    """Return a try that is under way, or ended for this reason so many seconds ago."""
    job = job_name(f"vc-{FILE_ID}", "uid-1", 1, number)
    started: Body = {"number": number, "job": job, "startedAt": before(ended + 20)}
    end = {"finishedAt": before(ended), "reason": reason, "message": "It broke."}
    return started | (end if reason else {})


def job_body(about: Body, number: int = 1, age: float = 20, **parts: Any) -> Body:
    """Return a try's Job as it stands after so many seconds."""
    metadata = about["metadata"]
    own = {
        "name": job_name(metadata["name"], metadata["uid"], 1, number),
        "uid": f"{metadata['uid']}-job-{number}",
        "resourceVersion": "1",
        "creationTimestamp": before(age),
        "labels": {CONVERSION_LABEL: metadata["name"], RUN_LABEL: "1", TRY_LABEL: str(number)},
        "ownerReferences": [{"uid": metadata["uid"], "controller": True}],
    }
    return {
        "kind": "Job",
        "metadata": own | parts.get("metadata", {}),
        "spec": {"activeDeadlineSeconds": 3600},
        "status": {"startTime": before(age)} | parts.get("status", {}),
    }


def job(number: int = 1, age: float = 20, **parts: Any) -> Job:
    """Return the Job of a try of the usual conversion, parsed."""
    return msgspec.convert(job_body(conversion_body(), number, age, **parts), Job)


def job_ended(kind: str, reason: str = "", message: str = "", ago: float = 60) -> Body:
    """Return the status of a Job that the Job controller is done with."""
    told = {"type": kind, "status": "True", "reason": reason, "message": message}
    return {"conditions": [told | {"lastTransitionTime": before(ago)}]}


def running() -> Body:
    """Return the state of a container that runs."""
    return {"running": {"startedAt": before(10)}}


def waiting(reason: str, message: str = "") -> Body:
    """Return the state of a container that has not started."""
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, reason: str = "Error", message: str = "", ago: float = 1) -> Body:
    """Return the state of a container that ended so many seconds ago."""
    how = {"exitCode": code, "reason": reason, "message": message, "finishedAt": before(ago)}
    return {"terminated": how}


def pod_body(job: Body, mover: Body | None, converter: Body | None, **parts: Any) -> Body:
    """Return the pod of a Job with its containers in these states."""
    states = {MOVER: mover, CONVERTER: converter}
    statuses = [{"name": n, "state": state} for n, state in states.items() if state is not None]
    metadata = job["metadata"]
    own = {
        "name": f"{metadata['name']}-pod",
        "uid": f"{metadata['uid']}-pod",
        "resourceVersion": "1",
        "creationTimestamp": metadata["creationTimestamp"],
        "labels": metadata["labels"] | {"batch.kubernetes.io/job-name": metadata["name"]},
        "ownerReferences": [{"uid": metadata["uid"], "controller": True}],
    }
    return {
        "metadata": own | parts.get("metadata", {}),
        "spec": {"nodeName": "node-1"},
        "status": {"phase": "Running", "containerStatuses": statuses} | parts.get("status", {}),
    }


def pod(mover: Body | None, converter: Body | None, number: int = 1, **parts: Any) -> Pod:
    """Return the pod of a try of the usual conversion, parsed."""
    body = pod_body(job_body(conversion_body(), number), mover, converter, **parts)
    return msgspec.convert(body, Pod)
