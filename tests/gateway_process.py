"""A gateway that runs, and the auth service that it asks."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pytest_httpserver import HTTPServer
from tests.processes import Program, ending
from tests.waiting import wait_until
from werkzeug import Request, Response

Start = Callable[[str, Mapping[str, str], Path], Program]
"""How a module is started: with this environment, printing to this log."""

_KEY_ID = "test"


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

    def __init__(self, process: Program, port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = process
        self._log = log
        self._read = 0

    def log(self) -> str:
        """Return what it has printed in this test."""
        return self._log.read_bytes()[self._read :].decode()

    def begin_test(self) -> None:
        """Let another test begin: what was printed before is not its."""
        assert self.is_alive(), "another test has ended the gateway that it shares with this one"
        self._read = self._log.stat().st_size

    def is_alive(self) -> bool:
        """Tell whether it answers yet."""
        assert self._process.poll() is None, self.log()
        try:
            return requests.get(f"{self.url}/livez", timeout=30).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        """Kill it, so that nothing of it does anything more."""
        workers = self._workers()
        self._process.kill()  # Before the workers, or it would start new ones.
        for worker in workers:
            with suppress(ProcessLookupError):  # it has missed its master already
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


@contextmanager
def run_gateway(environment: Mapping[str, str], directory: Path, start: Start) -> Iterator[Gateway]:
    """Run a gateway until the block ends, as soon as it answers."""
    port = int(environment["PORT"])
    log = directory / f"gateway-{port}.log"
    with ending(start("soundstrip_gateway", environment, log)) as process:
        gateway = Gateway(process, port, log)
        wait_until(gateway.is_alive, "the gateway answers", seconds=120)
        yield gateway
