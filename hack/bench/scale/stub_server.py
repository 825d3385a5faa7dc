"""The stub API server as a process, and what can be asked of it beside Kubernetes' own calls."""

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml
from tests.processes import running
from tests.waiting import wait_until

Body = dict[str, Any]

_SOURCE = Path(__file__).with_name("stub")
_LISTEN_SECONDS = 10


@dataclass(frozen=True)
class Life:
    """When a conversion came to what, in seconds since the figures were reset; None is not yet."""

    created: float
    job: float | None
    latched: float | None
    notified: float | None
    tidy: float | None
    """When its Job was gone."""


@dataclass(frozen=True)
class Figures:
    """What the stub has seen since it was last asked to begin anew."""

    requests: Mapping[str, int]
    lives: tuple[Life, ...]

    def count(self, what: str) -> int:
        """Return how many lives have come to this."""
        return sum(1 for life in self.lives if getattr(life, what) is not None)


class Stub:
    """A running stub."""

    def __init__(self, kubeconfig: Path) -> None:
        cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
        authority = kubeconfig.with_suffix(".pem")
        authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        self.kubeconfig = kubeconfig
        self._url = cluster["server"] + "/bench"
        self._session = requests.Session()
        self._session.trust_env = False  # A bundle named there would take the place of ours.
        self._session.verify = str(authority)

    def play(self, *, start: float, work: float, report: str, progress: float = 0) -> None:
        """From now on have Jobs made and ended, with these seconds between the steps.

        `progress` is the seconds between two posts of a mover, 0 for none.
        """
        script = {
            "startMilliseconds": round(start * 1000),
            "workMilliseconds": round(work * 1000),
            "progressMilliseconds": round(progress * 1000),
            "report": report,
        }
        self._send("POST", "play", script)

    def load(self, template: Body, *, first: int, count: int, per_second: float = 0) -> None:
        """Have conversions made like this one, all at once or by and by."""
        order = {"template": template, "first": first, "count": count, "perSecond": per_second}
        self._send("POST", "load", order)

    def figures(self) -> Figures:
        """Return what was seen."""
        body = self._send("GET", "figures").json()
        lives = (
            Life(**{k: v / 1000 or None for k, v in one.items()}) for one in body["lives"].values()
        )
        return Figures(body["requests"], tuple(lives))

    def reset(self) -> None:
        """Forget what was seen."""
        self._send("DELETE", "figures")

    def _send(self, method: str, path: str, body: Body | None = None) -> requests.Response:
        answer = self._session.request(method, f"{self._url}/{path}", json=body, timeout=30)
        answer.raise_for_status()
        return answer


def build_stub(folder: Path) -> Path:
    """Compile it, and return the program."""
    program = folder / "stub"
    environment = os.environ | {"CGO_ENABLED": "0"}
    command = ["go", "build", "-trimpath", "-o", str(program), "."]
    subprocess.run(command, cwd=_SOURCE, env=environment, check=True)
    return program


@contextmanager
def stub_server(program: Path, folder: Path, core: int) -> Iterator[Stub]:
    """Run it on one core until the block ends."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.unlink(missing_ok=True)
    with running(["taskset", "-c", str(core), str(program), f"-kubeconfig={kubeconfig}"]):
        wait_until(lambda: _is_written(kubeconfig), "the stub listens", seconds=_LISTEN_SECONDS)
        yield Stub(kubeconfig)


def _is_written(kubeconfig: Path) -> bool:
    return kubeconfig.exists() and "current-context" in kubeconfig.read_text()
