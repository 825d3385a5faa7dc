"""An operator with its stores, and what a test asks and sees of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from bson import ObjectId
from pymongo import MongoClient
from tests.api_server import CONTEXT, kubeconfig_of
from tests.faulty_api import FaultyApi, Target
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess

from soundstrip_storage.setup import set_up_collections

Body = dict[str, Any]
Documents = dict[str, Any]

LIST = Target("GET", "limit=500", agent="Python")
"""The operator's own lists, not those with which kopf begins a watch."""

WATCHES = 6
"""Conversions, profiles, batches, Jobs, pods and the Lease."""

FILES = ("sources.files", "sources.chunks", "results.files", "results.chunks")


@pytest.fixture
def stores(mongo_uri: str, mongo_database: str) -> dict[str, str]:
    nobody = "amqp://guest:guest@127.0.0.1:1/"
    return {"MONGO_URI": mongo_uri, "MONGO_DB": mongo_database, "RABBITMQ_URI": nobody}


@pytest.fixture
def operator(kube: Namespace, tmp_path: Path, stores: dict[str, str]) -> Iterator[OperatorProcess]:
    process = OperatorProcess(kube, tmp_path, stores)
    yield process
    process.kill()
    print(process.log())


@pytest.fixture
def upload(mongo_uri: str, mongo_database: str) -> Iterator[Callable[..., str]]:
    with MongoClient[Documents](mongo_uri) as client:
        database = client[mongo_database]

        def store(owner: str = "u1", contact: str | None = "ann@example.com") -> str:
            file_id = ObjectId()
            metadata = {
                "install": "test",
                "owner": owner,
                "contact": contact,
                "sha256": "0" * 64,
                "contentType": "video/mp4",
                "refs": [],
            }
            database["sources.chunks"].insert_one({"files_id": file_id, "n": 0, "data": b"x"})
            database["sources.files"].insert_one(
                {
                    "_id": file_id,
                    "length": 1,
                    "chunkSize": 261120,
                    "uploadDate": file_id.generation_time,
                    "filename": "clip.mp4",
                    "metadata": metadata,
                }
            )
            return str(file_id)

        yield store


@pytest.fixture
def database(mongo_uri: str, mongo_database: str) -> Iterator[Any]:
    with MongoClient[Documents](mongo_uri) as client:
        set_up_collections(client[mongo_database])
        yield client[mongo_database]


@pytest.fixture
def api(crd: None, tmp_path: Path) -> Iterator[FaultyApi]:
    with FaultyApi(kubeconfig_of(CONTEXT), tmp_path).serving() as api:
        yield api


@pytest.fixture
def failing(
    kube: Namespace, tmp_path: Path, stores: dict[str, str], api: FaultyApi
) -> Iterator[OperatorProcess]:
    """The operator of tests/failing_operator.py, at the API server that fails on request."""
    process = OperatorProcess(
        kube, tmp_path, stores, module="tests.failing_operator", kubeconfig=api.kubeconfig
    )
    yield process
    process.kill()
    print(process.log())


@pytest.fixture
def kubelet(kube: Namespace, database: Any) -> Kubelet:
    return Kubelet(kube, database)


def conversion(file_id: str, **spec: Any) -> Body:
    source = {
        "fileId": file_id,
        "filename": "clip.mp4",
        "size": 1,
        "contentType": "video/mp4",
        "sha256": "0" * 64,
    }
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "VideoConversion",
        "metadata": {"name": f"vc-{file_id}"},
        "spec": {"source": source, "owner": {"id": "u1", "name": "Ann"}} | spec,
    }


def batch(name: str, items: list[str] | None, **spec: Any) -> Body:
    sources = [conversion(file_id)["spec"]["source"] for file_id in items or ()]
    wanted = {"owner": {"id": "u1", "name": "Ann"}, "items": sources or None} | spec
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "ConversionBatch",
        "metadata": {"name": name},
        "spec": {field: value for field, value in wanted.items() if value is not None},
    }


def children(kube: Namespace, name: str) -> dict[str, Body]:
    """Return the conversions of a batch by their names."""
    found = kube.list("videoconversions", f"--selector=soundstrip.dev/batch={name}")
    return {one["metadata"]["name"]: one for one in found}


def names_by(found: dict[str, Body], files: list[str]) -> list[str]:
    """Return the names of the conversions of these files, in their order."""
    by_file = {one["spec"]["source"]["fileId"]: name for name, one in found.items()}
    return [by_file[file] for file in files]


def condition(kube: Namespace, name: str, kind: str) -> Body:
    return find_condition(kube.get("videoconversion", name) or {}, kind)


def find_condition(body: Body, kind: str) -> Body:
    """Return a condition of a conversion; an empty one if it has none of this type."""
    found = [c for c in body.get("status", {}).get("conditions", []) if c["type"] == kind]
    return found[0] if found else {}


def reason(kube: Namespace, name: str) -> str | None:
    return condition(kube, name, "Succeeded").get("reason")


def reasons(kube: Namespace) -> dict[str, str | None]:
    """Return the reason of each conversion by its name."""
    return {
        body["metadata"]["name"]: find_condition(body, "Succeeded").get("reason")
        for body in kube.list("videoconversions")
    }


def notified(kube: Namespace) -> set[str]:
    """Return the names of the conversions whose end is announced."""
    return {
        body["metadata"]["name"]
        for body in kube.list("videoconversions")
        if find_condition(body, "Notified").get("status") == "True"
    }


def put_off(operator: OperatorProcess, conversion: str, cause: str = "") -> list[Body]:
    """Return what the operator has said whenever it put off something about this conversion."""
    put_off = [one for one in operator.lines() if one["event"] == "tried again later"]
    return [one for one in put_off if one["conversion"] == conversion and cause in one["cause"]]


def take_message(amqp_url: str) -> Body | None:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        method, _, body = connection.channel().basic_get("mp3", auto_ack=True)
    finally:
        connection.close()
    return json.loads(body) if method else None


def take_messages(amqp_url: str) -> list[Body]:
    """Take all messages that wait for the notifier."""
    taken = []
    while message := take_message(amqp_url):
        taken.append(message)
    return taken


def assert_ended_once(api: FaultyApi, *conversions: str, tries: int = 1) -> None:
    """Hold the record of all writes to this: one Job per try, and one outcome that stood."""
    for name in conversions:
        jobs = [request.body["metadata"]["name"] for request in api.done("POST", "/jobs", name)]
        assert len(jobs) == len(set(jobs)) == tries, f"one Job per try: {jobs}"
        written = api.done("PUT", "/status", name)
        outcomes = [find_condition(one.body, "Succeeded")["status"] for one in written]
        assert outcomes == sorted(outcomes, reverse=True), f"an end is an end: {outcomes}"
        assert len(set(outcomes)) == 2, f"one outcome: {outcomes}"
