"""The operator as a process of its own, against real servers."""

import json
import os
import secrets
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from tests.forks import Fork
from tests.kubernetes import Namespace
from tests.processes import free_port
from tests.waiting import wait_until

PROGRESS_KEY = "0123456789abcdef0123456789abcdef"


class OperatorProcess:
    """One operator for one namespace; it can be killed and started again, as a pod's container."""

    def __init__(
        self,
        kube: Namespace,
        folder: Path,
        stores: Mapping[str, str],
        *,
        module: str = "soundstrip_operator",
        kubeconfig: str = "",
    ) -> None:
        """Take the module to run, and the way to the API server if it is not kubectl's."""
        self.port = free_port()
        self._folder = folder
        self._module = module
        config = folder / "kubeconfig"
        config.write_text(kubeconfig or kube.kubeconfig())
        self._environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(config),
            "NAMESPACE": kube.name,
            "INSTALL_ID": "test",
            "PORT": str(self.port),
            "POD_UID": secrets.token_hex(8),
            "WORKER_IMAGE": "registry.invalid/soundstrip/worker:none",
            "MOVER_SECRET": "mover",
            "PROGRESS_URL": "http://operator.invalid:8080",
            "PROGRESS_KEY": PROGRESS_KEY,
            "RESYNC_SECONDS": "5",
            "RETRY_BASE_SECONDS": "0.5",
            **stores,
        }
        self._process: Fork | None = None

    def start(self, **environment: str) -> None:
        """Start it, and wait until it has seen the cluster."""
        self.launch(**environment)
        wait_until(self.is_healthy, "the operator is healthy")

    def launch(self, **environment: str) -> None:
        """Start it."""
        log = self._folder / f"operator-{secrets.token_hex(4)}.log"
        self._process = Fork(self._module, self._environment | environment, log)

    def is_healthy(self) -> bool:
        """Whether it says that it serves."""
        return bool(self.health())

    def health(self) -> dict[str, str]:
        """What it says of itself when it serves; empty when it does not."""
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10) as said:
                body: dict[str, str] = json.load(said)
                return body
        except (urllib.error.URLError, OSError):
            return {}

    def metric(self, name: str, **labels: str) -> float:
        """The value of one series; 0 if there is none."""
        url = f"http://127.0.0.1:{self.port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [sample for family in families for sample in family.samples]
        return sum(one.value for one in samples if (one.name, one.labels) == (name, labels))

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)

    def terminate(self) -> int:
        """Ask it to end, and return its exit code; Kubernetes waits as long until it kills."""
        self.send(signal.SIGTERM)
        return self.wait(30)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = 120) -> int:
        """Wait for its end, and return its exit code."""
        assert self._process is not None
        return self._process.wait(seconds)

    def log(self) -> str:
        """What all its lives have printed."""
        logs = sorted(self._folder.glob("operator-*.log"), key=lambda log: log.stat().st_mtime)
        return "\n".join(log.read_text() for log in logs)

    def lines(self) -> list[dict[str, Any]]:
        """Return the same, parsed; a line that is half written yet is left out."""
        return [json.loads(line) for line in self.log().splitlines() if line.endswith("}")]
