"""A real gateway with all that it talks to, as its callers and its operator see it."""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from bson import ObjectId
from pymongo import MongoClient
from pymongo.database import Database
from pytest_httpserver import HTTPServer
from tests.forks import Fork
from tests.gateway_process import Auth, Gateway, run_gateway
from tests.kubernetes import Corner
from tests.processes import free_port, start
from urllib3.exceptions import ProtocolError

from soundstrip_storage.archive import ArchivedConversion
from soundstrip_storage.books import BOOKS
from soundstrip_storage.layout import CHUNK_SIZE

MEBIBYTE = 1024 * 1024
VIDEO = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(range(256)) * 40
"""What passes for a video until FFmpeg looks at it."""

_PIECE = 64 * 1024


class Client:
    """One user."""

    def __init__(self, gateway: Gateway, headers: dict[str, str]) -> None:
        self._url = gateway.url
        self._headers = headers

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request as this user; the options are those of `requests`."""
        headers = self._headers | options.pop("headers", {})
        return requests.request(method, self._url + path, headers=headers, timeout=30, **options)

    def upload(self, **parameters: str) -> requests.Response:
        """Upload the video, with these words in the URL."""
        return self.ask("POST", "/v1/conversions", data=VIDEO, params=parameters)


def read_what_comes(answer: requests.Response) -> bytes:
    """Return the rest of an answer, or what of it comes before the connection breaks."""
    got = b""
    try:
        while piece := answer.raw.read(_PIECE):
            got += piece
    except ProtocolError:
        return got
    return got


class Stage:
    """One namespace, one database and one auth service, with as many gateways as a test likes."""

    def __init__(
        self, kube: Corner, auth: Auth, directory: Path, mongo_uri: str, database: str
    ) -> None:
        self.kube = kube
        self.auth = auth
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(kube.kubeconfig())
        self.database: Database[dict[str, Any]] = MongoClient[dict[str, Any]](mongo_uri)[database]
        self._directory = directory
        self._mongo_uri = mongo_uri

    def run_gateway(self, **changes: str) -> AbstractContextManager[Gateway]:
        """Run a gateway until the block ends; the changes are environment variables."""
        return run_gateway(self._environment(changes), self._directory, Fork)

    def run_new_gateway(self, **changes: str) -> AbstractContextManager[Gateway]:
        """Run one that shares no memory with others, as it must when its memory is measured."""
        return run_gateway(self._environment(changes), self._directory, start)

    def _environment(self, changes: dict[str, str]) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "AUTH_SVC_ADDR": self.auth.address,
            "MONGO_URI": self._mongo_uri,
            "MONGO_DB": self.database.name,
            "KUBECONFIG": str(self.kubeconfig),
            "NAMESPACE": self.kube.name,
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "RATE_LIMIT_PATIENCE_SECONDS": "5",  # or a busy machine makes replicas count alone
        } | changes

    def header(self, user: str) -> dict[str, str]:
        """Return the header that makes a request the user's."""
        return {"Authorization": f"Bearer {self.auth.token(user)}"}

    def finish(self, name: str, reason: str, audio: bytes | None = None) -> None:
        """End a conversion as the operator and the mover would: with audio, or a failure."""
        body = self.kube.get("videoconversion", name)
        assert body is not None
        status = "True" if audio is not None else "False"
        body["status"] = {
            "conditions": [
                _condition("Succeeded", status, reason),
                _condition("Finished", "True", reason),
            ]
        }
        if audio is not None:
            body["status"]["result"] = self._store_result(audio, body)
        self.kube.replace_status(body)

    def _store_result(self, audio: bytes, body: dict[str, Any]) -> dict[str, Any]:
        file_id = ObjectId()
        pieces = [audio[at : at + CHUNK_SIZE] for at in range(0, len(audio), CHUNK_SIZE)]
        self.database["results.chunks"].insert_many(
            [{"files_id": file_id, "n": n, "data": piece} for n, piece in enumerate(pieces)]
        )
        metadata = {
            "owner": body["spec"]["owner"]["id"],
            "conversionUid": body["metadata"]["uid"],
            "run": body["spec"].get("run", 1),
            "sha256": "ab" * 32,
            "contentType": "audio/mpeg",
        }
        self.database["results.files"].insert_one(
            {
                "_id": file_id,
                "length": len(audio),
                "chunkSize": CHUNK_SIZE,
                "uploadDate": None,
                "filename": "Käse & Brot.mp3",
                "metadata": metadata,
            }
        )
        return {
            "fileId": str(file_id),
            "filename": "Käse & Brot.mp3",
            "size": len(audio),
            "sha256": "ab" * 32,
            "contentType": "audio/mpeg",
            "durationSeconds": 1.5,
            "bitrate": 192000,
        }

    def archive(self, name: str) -> None:
        """Let a finished conversion expire as the operator does: to the archive, and away."""
        body = self.kube.get("videoconversion", name)
        assert body is not None
        self.put_into_archive(body)
        self.kube.patch("videoconversion", name, {"metadata": {"finalizers": None}})
        if self.kube.get("videoconversion", name):  # not if a deletion was waiting for that
            self.kube.delete("videoconversion", name)

    def put_into_archive(self, body: dict[str, Any]) -> None:
        """Write an object to the archive; it stands in the cluster still."""
        metadata, [*conditions] = body["metadata"], body["status"]["conditions"]
        ends = [c["lastTransitionTime"] for c in conditions if c["type"] == "Finished"]
        entry = ArchivedConversion(
            uid=metadata["uid"],
            name=metadata["name"],
            namespace=metadata["namespace"],
            install="soundstrip",
            owner=body["spec"]["owner"]["id"],
            labels=metadata["labels"],
            spec=body["spec"],
            status=body["status"],
            created_at=datetime.fromisoformat(metadata["creationTimestamp"]),
            finished_at=datetime.fromisoformat(ends[0]),
            archived_at=datetime.now(UTC),
        )
        self.database["archive"].insert_one(entry.to_document())

    def claim(self, name: str) -> str:
        """Claim a conversion's source as the operator does, and return the conversion's uid."""
        body = self.kube.get("videoconversion", name)
        assert body is not None
        uid: str = body["metadata"]["uid"]
        key = {"_id": ObjectId(body["spec"]["source"]["fileId"])}
        self.database["sources.files"].update_one(key, {"$addToSet": {"metadata.refs": uid}})
        return uid

    def kubeconfig_to_nowhere(self) -> str:
        """Return a configuration for an API server that is not there."""
        return re.sub("server: .*", "server: https://127.0.0.1:1", self.kubeconfig.read_text())

    def clear(self) -> None:
        """Remove all objects and documents."""
        self.kube.clear()
        for name in self.database.list_collection_names():
            self.database[name].delete_many({})

    def leftovers(self) -> dict[str, int]:
        """Return how many documents each collection has that has any, beside the books."""
        names = set(self.database.list_collection_names()) - set(BOOKS)
        counts = {name: self.database[name].count_documents({}) for name in names}
        return {name: count for name, count in counts.items() if count}


def _condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": f"A sentence about {reason}.",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
        "observedGeneration": 1,
    }


@pytest.fixture(scope="module")
def shared_stage(
    shared_kube: Corner, mongo_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """One for a module's tests: a gateway's start takes longer than most of them."""
    folder, database = tmp_path_factory.mktemp("gateways"), f"test_{secrets.token_hex(6)}"
    with HTTPServer() as server:
        stage = Stage(shared_kube, Auth(server), folder, mongo_uri, database)
        yield stage
        stage.database.client.drop_database(database)


@pytest.fixture
def stage(shared_stage: Stage) -> Iterator[Stage]:
    """All but the gateway, empty."""
    yield shared_stage
    shared_stage.clear()


@pytest.fixture(scope="module")
def shared_gateway(shared_stage: Stage) -> Iterator[Gateway]:
    """A gateway with nothing in the way; a module may have another one in its place."""
    with shared_stage.run_gateway() as gateway:
        yield gateway


@pytest.fixture
def gateway(shared_gateway: Gateway, stage: Stage) -> Gateway:
    """The module's gateway; who ends it takes one of their own."""
    shared_gateway.begin_test()
    return shared_gateway


@pytest.fixture
def ann(gateway: Gateway, stage: Stage) -> Client:
    """A user."""
    return Client(gateway, stage.header("ann"))


@pytest.fixture
def bob(gateway: Gateway, stage: Stage) -> Client:
    """Another one."""
    return Client(gateway, stage.header("bob"))
