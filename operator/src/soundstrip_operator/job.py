"""The Job of one try: one pod of two containers that trust each other no more than they must."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.job import (
    OUTPUT_DIRECTORY,
    PLAN_VARIABLE,
    REASON_OF_EXIT_CODE,
    SOURCE_DIRECTORY,
    JobPlan,
    progress_path,
    progress_token,
)
from soundstrip_crds.names import (
    API_VERSION,
    CONVERSION_LABEL,
    CONVERTER,
    KIND,
    KUEUE_QUEUE,
    MOVER,
    OWNER_LABEL,
    RUN_LABEL,
    TRY_LABEL,
    job_name,
)
from soundstrip_crds.reasons import Reason
from soundstrip_operator.needs import RESULTS_AT_ONCE, deadline, estimate
from soundstrip_operator.resources import Resources, Share, allot

_MOVER_USER = 10001
_CONVERTER_USER = 10002
_SHARED_GROUP = 10000
_GRACE_SECONDS = 5
_EVICTION_SECONDS = 30
_TMP_BYTES = 64 * 1024**2
_SAYS_NOTHING = {Reason.SUCCEEDED, Reason.WORKER_LOST}
_TELLING = sorted(int(c) for c, why in REASON_OF_EXIT_CODE.items() if why not in _SAYS_NOTHING)

Body = dict[str, Any]


@dataclass(frozen=True)
class Worker:
    """What every Job has in common. The progress key is a secret."""

    install: str
    image: str
    pull_policy: str
    mover: Resources
    converter: Resources
    memory_ceiling: int
    """Bytes that no container's limit is grown beyond."""
    disk_headroom: int
    """Bytes that each volume may hold beyond the file that it is for."""
    max_result_bytes: int
    mongo_db: str
    mover_secret: str
    """The Secret whose key `mongo-uri` the mover gets."""
    service_account: str | None
    pull_secret: str | None
    progress_url: str
    progress_key: bytes
    cores: int = 1
    """How many FFmpegs a converter runs at once."""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str | int], ...] = ()


@dataclass(frozen=True)
class Attempt:
    """Which try a Job is for; `growth` multiplies the memory."""

    run: int
    number: int
    growth: int = 1


def build_job(conversion: VideoConversion, attempt: Attempt, worker: Worker) -> Body:
    """Return the body of the Job; the same one for the same try, whoever builds it."""
    metadata = conversion.metadata
    labels = _labels(conversion, attempt)
    name = job_name(metadata.name, metadata.uid, attempt.run, attempt.number)
    queue = _queue(conversion)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": metadata.namespace,
            "labels": labels | queue,
            "annotations": queue,
            "ownerReferences": [_owner_reference(conversion)],
        },
        "spec": {
            "suspend": bool(queue),
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": deadline(conversion.spec),
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [_keep_code(CONVERTER), _keep_code(MOVER)]},
            "template": {
                "metadata": {"labels": labels},
                "spec": _pod(conversion, attempt, worker),
            },
        },
    }


def _labels(conversion: VideoConversion, attempt: Attempt) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "soundstrip",
        "app.kubernetes.io/component": "worker",
        CONVERSION_LABEL: conversion.metadata.name,
        OWNER_LABEL: conversion.spec.owner.id,
        RUN_LABEL: str(attempt.run),
        TRY_LABEL: str(attempt.number),
    }


def _queue(conversion: VideoConversion) -> dict[str, str]:
    """Name the queue of Kueue, which lets a suspended Job run when it admits it."""
    name = conversion.spec.queue_name
    return {KUEUE_QUEUE: name} if name else {}


def _owner_reference(conversion: VideoConversion) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": conversion.metadata.name,
        "uid": conversion.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _keep_code(container: str) -> Body:
    """Make the Job's condition name the exit code, so that it survives the pod.

    A container that was only ended does not match. The Job controller holds a match against the
    Job even if it has ended the pod itself, for Kueue (`getFailJobMessage` of Kubernetes 1.34).
    """
    codes = {"containerName": container, "operator": "In", "values": _TELLING}
    return {"action": "FailJob", "onExitCodes": codes}


def _pod(conversion: VideoConversion, attempt: Attempt, worker: Worker) -> Body:
    source = conversion.spec.source.size + worker.disk_headroom
    output = RESULTS_AT_ONCE * worker.max_result_bytes + worker.disk_headroom
    needs = estimate(conversion.spec.source, _output(conversion), worker.max_result_bytes)
    pod: Body = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "fsGroup": _SHARED_GROUP,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "nodeSelector": dict(worker.node_selector),
        "tolerations": [
            _tolerate("not-ready"),
            _tolerate("unreachable"),
            *map(dict, worker.tolerations),
        ],
        "containers": [
            _mover(conversion, attempt, worker, needs.mover),
            _converter(conversion, attempt, worker, needs.converter),
        ],
        "volumes": [
            _volume("source", source),
            _volume("output", output),
            _volume("tmp-mover", _TMP_BYTES),
            _volume("tmp-converter", _TMP_BYTES),
        ],
    }
    if worker.service_account:
        pod["serviceAccountName"] = worker.service_account
    if worker.pull_secret:
        pod["imagePullSecrets"] = [{"name": worker.pull_secret}]
    return pod


def _tolerate(condition: str) -> Body:
    return {
        "key": f"node.kubernetes.io/{condition}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": _EVICTION_SECONDS,
    }


def _volume(name: str, size: int) -> Body:
    return {"name": name, "emptyDir": {"sizeLimit": str(size)}}


def _mover(conversion: VideoConversion, attempt: Attempt, worker: Worker, share: Share) -> Body:
    uid = conversion.metadata.uid
    token = progress_token(worker.progress_key, uid, attempt.run, attempt.number)
    url = worker.progress_url.rstrip("/") + progress_path(uid, attempt.run, attempt.number)
    secret = {"name": worker.mover_secret, "key": "mongo-uri"}
    return _container(MOVER, _MOVER_USER, worker) | {
        "resources": allot(worker.mover, share, attempt.growth, worker.memory_ceiling),
        "env": [
            _plan(conversion, attempt, worker),
            {"name": "MONGO_URI", "valueFrom": {"secretKeyRef": secret}},
            {"name": "MONGO_DB", "value": worker.mongo_db},
            {"name": "PROGRESS_URL", "value": url},
            {"name": "PROGRESS_TOKEN", "value": token},
        ],
        "volumeMounts": [
            {"name": "source", "mountPath": SOURCE_DIRECTORY},
            {"name": "output", "mountPath": OUTPUT_DIRECTORY, "readOnly": True},
            {"name": "tmp-mover", "mountPath": "/tmp"},  # noqa: S108 - a volume of its own
        ],
    }


def _converter(conversion: VideoConversion, attempt: Attempt, worker: Worker, share: Share) -> Body:
    return _container(CONVERTER, _CONVERTER_USER, worker) | {
        "resources": allot(worker.converter, share, attempt.growth, worker.memory_ceiling),
        "env": [_plan(conversion, attempt, worker)],
        "volumeMounts": [
            {"name": "source", "mountPath": SOURCE_DIRECTORY, "readOnly": True},
            {"name": "output", "mountPath": OUTPUT_DIRECTORY},
            {"name": "tmp-converter", "mountPath": "/tmp"},  # noqa: S108 - a volume of its own
        ],
    }


def _container(name: str, user: int, worker: Worker) -> Body:
    return {
        "name": name,
        "image": worker.image,
        "imagePullPolicy": worker.pull_policy,
        "command": ["python", "-m", "soundstrip_worker", name],
        "securityContext": {
            "runAsUser": user,
            "runAsGroup": user,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _plan(conversion: VideoConversion, attempt: Attempt, worker: Worker) -> Body:
    plan = JobPlan(
        install=worker.install,
        conversion=conversion.metadata.name,
        uid=conversion.metadata.uid,
        run=attempt.run,
        try_number=attempt.number,
        owner=conversion.spec.owner.id,
        source=conversion.spec.source,
        output=_output(conversion),
        max_result_bytes=worker.max_result_bytes,
        cores=worker.cores,
    )
    return {"name": PLAN_VARIABLE, "value": msgspec.json.encode(plan).decode()}


def _output(conversion: VideoConversion) -> ResolvedOutput:
    """What an older operator accepted has no output in its status."""
    return conversion.status.output or conversion.spec.output.resolve()
