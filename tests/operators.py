"""An operator with its stores, and what a test asks and sees of it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from bson import ObjectId
from pymongo import MongoClient
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess

Body = dict[str, Any]
Documents = dict[str, Any]

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
        yield client[mongo_database]


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


def condition(kube: Namespace, name: str, kind: str) -> Body:
    body = kube.get("videoconversion", name) or {}
    found = [c for c in body.get("status", {}).get("conditions", []) if c["type"] == kind]
    return found[0] if found else {}


def reason(kube: Namespace, name: str) -> str | None:
    return condition(kube, name, "Succeeded").get("reason")


def take_message(amqp_url: str) -> Body | None:
    connection = pika.BlockingConnection(pika.URLParameters(amqp_url))
    try:
        method, _, body = connection.channel().basic_get("mp3", auto_ack=True)
    finally:
        connection.close()
    return json.loads(body) if method else None
