"""A real OpenID Connect issuer, for tests: oidc-provider on Node.js."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from tests.processes import free_port, running
from tests.waiting import wait_until

_SOURCE = Path(__file__).parent / "oidc"
_MANIFESTS = ("package.json", "package-lock.json")
_SECONDS = 30


@dataclass(frozen=True)
class OutsideIssuer:
    """A running issuer."""

    url: str

    def token(self, client: str, audience: str, algorithm: str = "RS256") -> str:
        """Return an access token of a client, for this audience, signed like this."""
        answer = requests.post(
            f"{self.url}/token",
            auth=(client, client),
            data={
                "grant_type": "client_credentials",
                "resource": f"{audience}/?alg={algorithm}",
            },
            timeout=_SECONDS,
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return requests.get(f"{self.url}/jwks", timeout=_SECONDS).ok
        except requests.ConnectionError:
            return False


@contextmanager
def running_issuer(
    clients: Mapping[str, Mapping[str, Any]], port: int | None = None
) -> Iterator[OutsideIssuer]:
    """Run an issuer until the block ends; the clients have these further claims in their tokens."""
    port = port or free_port()
    issuer = OutsideIssuer(f"http://127.0.0.1:{port}")
    command = ["node", str(_place_script()), str(port), json.dumps(clients)]
    with running(command):
        wait_until(issuer.answers, "the issuer answers")
        yield issuer


def _place_script() -> Path:
    """Put the script beside its packages, in one step: another test may read it just now."""
    folder = _packages()
    script, copy = folder / "issuer.mjs", folder / f"issuer-{os.getpid()}.mjs"
    shutil.copy(_SOURCE / script.name, copy)
    return copy.replace(script)


def _packages() -> Path:
    """Return the folder with the issuer's packages, which are installed once for their lock."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("SOUNDSTRIP_CACHE") or f"{base}/soundstrip")
    locked = b"".join((_SOURCE / name).read_bytes() for name in _MANIFESTS)
    folder = cache / f"oidc-{hashlib.sha256(locked).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    for name in _MANIFESTS:
        shutil.copy(_SOURCE / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(command, cwd=folder, check=True, timeout=600)
    (folder / "installed").touch()
