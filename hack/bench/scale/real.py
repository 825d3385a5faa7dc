"""Whole conversions against the real control plane: how many a second, and what etcd keeps."""

import asyncio
import json
import time

import requests
from hack.bench.scale.control_plane import ControlPlane, control_plane
from hack.bench.scale.scenes import OPERATOR_CORE, Numbers, Stage
from hack.bench.scale.subject import Subject, operator
from hack.bench.scale.templates import new_conversion
from kubernetes.aio import client, config
from prometheus_client.parser import text_string_to_metric_families
from tests.waiting import wait_until

from soundstrip_crds.names import GROUP, PLURAL, VERSION

_AT_ONCE = 16
_PATIENCE = 600
_WRITES = {"create", "update", "delete"}


def measure_real(stage: Stage, count: int) -> Numbers:
    """Conversions that are all there at once, 500 of them active."""
    with (
        control_plane(stage.folder) as plane,
        operator(plane.kubeconfig, stage.stores, OPERATOR_CORE) as subject,
    ):
        before, size, start = _cpu(plane, subject), plane.database_bytes(), time.monotonic()
        asyncio.run(_create(plane, count))
        wait_until(lambda: _finished(subject) >= count, "all are finished", seconds=_PATIENCE)
        seconds, after = time.monotonic() - start, _cpu(plane, subject)
        return {
            "conversions per second": count / seconds,
            **{
                f"CPU milliseconds of {name} per conversion": 1000 * (after[name] - used) / count
                for name, used in before.items()
            },
            "KiB of etcd per conversion": (plane.database_bytes() - size) / 1024 / count,
            **{f"{name} per conversion": n / count for name, n in _writes(subject).items()},
        }


def _cpu(plane: ControlPlane, subject: Subject) -> dict[str, float]:
    return {"operator": subject.cpu_seconds()} | plane.cpu_seconds()


async def _create(plane: ControlPlane, count: int) -> None:
    configuration = client.Configuration()
    await config.load_kube_config(str(plane.kubeconfig), client_configuration=configuration)
    async with client.ApiClient(configuration) as api:
        objects, numbers = client.CustomObjectsApi(api), iter(range(count))

        async def create_some() -> None:
            for number in numbers:
                body = new_conversion()
                file_id = f"{number:024x}"
                body["metadata"]["name"] = f"vc-{file_id}"
                body["spec"]["source"]["fileId"] = file_id
                await objects.create_namespaced_custom_object(GROUP, VERSION, "bench", PLURAL, body)

        await asyncio.gather(*(create_some() for _ in range(_AT_ONCE)))


def _finished(subject: Subject) -> float:
    return sum(_read(subject, "soundstrip_conversions_finished").values())


def _writes(subject: Subject) -> dict[str, float]:
    totals: dict[str, float] = {}
    for labels, number in _read(subject, "soundstrip_api_requests").items():
        sent = json.loads(labels)
        if sent["verb"] in _WRITES:
            name = f"{sent['resource']} {sent['verb']}"
            totals[name] = totals.get(name, 0) + number
    return totals


def _read(subject: Subject, name: str) -> dict[str, float]:
    url = f"http://127.0.0.1:{subject.port}/metrics"
    text = requests.get(url, timeout=10).text
    families = text_string_to_metric_families(text)
    samples = (sample for one in families for sample in one.samples)
    wanted = (sample for sample in samples if sample.name == f"{name}_total")
    return {json.dumps(sample.labels): sample.value for sample in wanted}
