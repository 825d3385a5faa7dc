"""A gateway's process with a mongod, and with stand-ins for the services that it asks."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import requests
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hack.bench.mongod import run_mongod
from tests.processes import free_port, running
from tests.waiting import wait_until

from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.layout import Bucket
from soundstrip_storage.setup import set_up_collections


@dataclass(frozen=True)
class RunningGateway:
    """A gateway that serves; `token` is its one user's, `pid` that of the master process."""

    database: Documents
    port: int
    pid: int
    token: str


@contextmanager
def run_gateway(folder: Path, most: int) -> Iterator[RunningGateway]:
    """Run a gateway that takes up to so many bytes, until the block ends."""
    with ExitStack() as stack:
        uri = stack.enter_context(run_mongod()).uri
        database = connect(uri, "bench", application="bench")
        set_up_collections(database)
        key = Ed25519PrivateKey.generate()
        address = stack.enter_context(_stand_in(key, database))
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "AUTH_SVC_ADDR": address,
            "MONGO_URI": uri,
            "MONGO_DB": "bench",
            "KUBECONFIG": str(_kubeconfig(folder, address)),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "MAX_CONTENT_LENGTH": str(most),
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "soundstrip_gateway"]
        process = stack.enter_context(running(command, environment))
        wait_until(lambda: _lives(port), "the gateway answers")
        yield RunningGateway(database, port, process.pid, _token(key))


def _lives(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/livez", timeout=5).ok
    except requests.ConnectionError:
        return False


def _token(key: Ed25519PrivateKey) -> str:
    claims = {"iss": "soundstrip-auth", "aud": "soundstrip", "sub": "bench", "username": "bench"}
    expiry = {"exp": int(time.time()) + 3600}
    return jwt.encode(claims | expiry, key, algorithm="EdDSA", headers={"kid": "bench"})


def _kubeconfig(folder: Path, address: str) -> Path:
    file = folder / "kubeconfig"
    entry = {
        "clusters": [{"name": "bench", "cluster": {"server": f"http://{address}"}}],
        "users": [{"name": "bench", "user": {}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
        "current-context": "bench",
    }
    file.write_text(yaml.safe_dump(entry))
    return file


@contextmanager
def _stand_in(key: Ed25519PrivateKey, database: Documents) -> Iterator[str]:
    """Answer as the auth service and as an API server where every conversion has succeeded."""
    numbers = jwt.algorithms.OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    keys = [numbers | {"kid": "bench", "alg": "EdDSA", "use": "sig"}]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_conversion = "/videoconversions/" in self.path
            self._answer(_finished(database) if is_conversion else {"keys": keys})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _finished(database: Documents) -> dict[str, Any]:
    file = database[Bucket.SOURCES.files].find_one({})
    assert file
    about = {"fileId": str(file["_id"]), "filename": "a.mp4", "sha256": file["metadata"]["sha256"]}
    about |= {"size": file["length"], "contentType": "video/mp4"}
    result = {"durationSeconds": 1.0, "bitrate": 192_000}
    ends = [{"type": kind, "status": "True"} for kind in ("Succeeded", "Finished")]
    told = {
        "reason": "Succeeded",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "VideoConversion",
        "metadata": {"name": f"vc-{file['_id']}"},
        "spec": {"source": about, "owner": {"id": "bench", "name": "bench"}},
        "status": {"conditions": [end | told for end in ends], "result": about | result},
    }
