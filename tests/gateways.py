"""A real gateway with all that it talks to, as its callers and its operator see it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from bson import ObjectId
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymongo import MongoClient
from pymongo.database import Database
from pytest_httpserver import HTTPServer
from tests.kubernetes import Namespace
from tests.processes import free_port, running
from tests.waiting import wait_until
from werkzeug import Request, Response

from soundstrip_storage.archive import ArchivedConversion
from soundstrip_storage.books import BOOKS

MEBIBYTE = 1024 * 1024
VIDEO = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42" + bytes(range(256)) * 40
"""What passes for a video until FFmpeg looks at it."""

_KEY_ID = "test"
_CHUNK = 255 * 1024


class Auth:
    """What the gateway needs of the auth service: keys, and an answer to /login."""

    def __init__(self, server: HTTPServer) -> None:
        self.address = f"{server.host}:{server.port}"
        self._key = Ed25519PrivateKey.generate()
        numbers = jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = [numbers | {"kid": _KEY_ID, "alg": "EdDSA", "use": "sig"}]
        server.expect_request("/.well-known/jwks.json").respond_with_json({"keys": keys})
        server.expect_request("/login", method="POST").respond_with_handler(self._login)

    def token(self, user: str, **changes: Any) -> str:
        """Return a token of the user whose id and name this is."""
        claims = {
            "iss": "soundstrip-auth",
            "aud": "soundstrip",
            "sub": user,
            "username": user,
            "email": f"{user}@example.org",
            "admin": False,
            "exp": int(time.time()) + 3600,
        }
        return jwt.encode(claims | changes, self._key, algorithm="EdDSA", headers={"kid": _KEY_ID})

    def _login(self, request: Request) -> Response:
        login = request.authorization
        if login is None or (login.username, login.password) != ("ann", "right"):
            return Response(status=401)
        return Response(json.dumps({"token": self.token("ann")}), content_type="application/json")


class Gateway:
    """A gateway that runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = process
        self._log = log

    def log(self) -> str:
        """Return what it has printed."""
        return self._log.read_text()

    def is_alive(self) -> bool:
        """Tell whether it answers yet."""
        assert self._process.poll() is None, self.log()
        try:
            return requests.get(f"{self.url}/livez", timeout=5).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        """Kill it, so that nothing of it does anything more."""
        workers = self._workers()
        self._process.kill()  # Before the workers, or it would start new ones.
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        self._process.wait(15)

    def peak_memory(self) -> int:
        """Return the bytes that a memory limit on the pod would have to allow.

        All of the worker's peak, and of the master what it does not share with the worker.
        """
        master = self._process.pid
        private = _memory(Path(f"/proc/{master}/smaps_rollup"), "Private_Clean|Private_Dirty")
        workers = (Path(f"/proc/{worker}/status") for worker in self._workers())
        return private + sum(_memory(status, "VmHWM") for status in workers)

    def _workers(self) -> list[int]:
        master = self._process.pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text()
        return [int(child) for child in children.split()]


def _memory(file: Path, names: str) -> int:
    found = re.findall(rf"^(?:{names}):\s+(\d+) kB", file.read_text(), re.MULTILINE)
    return sum(int(number) for number in found) * 1024


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


class Stage:
    """One namespace, one database and one auth service, with as many gateways as a test likes."""

    def __init__(
        self, kube: Namespace, auth: Auth, directory: Path, mongo_uri: str, database: str
    ) -> None:
        self.kube = kube
        self.auth = auth
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(
            kube.kubectl("config", "view", "--minify", "--flatten", f"--context={kube.context}")
        )
        self.database: Database[dict[str, Any]] = MongoClient[dict[str, Any]](mongo_uri)[database]
        self._directory = directory
        self._mongo_uri = mongo_uri

    def run_gateway(self, **changes: str) -> AbstractContextManager[Gateway]:
        """Run a gateway until the block ends; the changes are environment variables."""
        environment = {
            "PATH": os.environ["PATH"],
            "AUTH_SVC_ADDR": self.auth.address,
            "MONGO_URI": self._mongo_uri,
            "MONGO_DB": self.database.name,
            "KUBECONFIG": str(self.kubeconfig),
            "NAMESPACE": self.kube.name,
            "HOST": "127.0.0.1",
            "PORT": str(free_port()),
            "RATE_LIMIT_PATIENCE_SECONDS": "5",  # or a busy machine makes replicas count alone
        }
        return _run_gateway(environment | changes, self._directory)

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
        pieces = [audio[at : at + _CHUNK] for at in range(0, len(audio), _CHUNK)]
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
                "chunkSize": _CHUNK,
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
        self.kube.kubectl("delete", "videoconversion", name, "--ignore-not-found")

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


@contextmanager
def _run_gateway(environment: dict[str, str], directory: Path) -> Iterator[Gateway]:
    port = int(environment["PORT"])
    log = directory / f"gateway-{port}.log"
    command = [sys.executable, "-m", "soundstrip_gateway"]
    with log.open("wb") as output, running(command, environment, output) as process:
        gateway = Gateway(process, port, log)
        wait_until(gateway.is_alive, "the gateway answers", seconds=30)
        yield gateway


@pytest.fixture
def stage(
    kube: Namespace, httpserver: HTTPServer, tmp_path: Path, mongo_uri: str, mongo_database: str
) -> Stage:
    """All but the gateway."""
    return Stage(kube, Auth(httpserver), tmp_path, mongo_uri, mongo_database)


@pytest.fixture
def gateway(stage: Stage) -> Iterator[Gateway]:
    """A gateway with nothing in the way."""
    with stage.run_gateway() as gateway:
        yield gateway


@pytest.fixture
def ann(gateway: Gateway, stage: Stage) -> Client:
    """A user."""
    return Client(gateway, stage.header("ann"))


@pytest.fixture
def bob(gateway: Gateway, stage: Stage) -> Client:
    """Another one."""
    return Client(gateway, stage.header("bob"))
