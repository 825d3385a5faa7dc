"""The operator as a process on one core, and what it costs."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.processes import free_port, running
from tests.waiting import wait_until

_TICKS = os.sysconf("SC_CLK_TCK")
_START_SECONDS = 120


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far, user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass(frozen=True)
class Subject:
    """A running operator."""

    process: "subprocess.Popen[bytes]"
    port: int

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used so far."""
        return cpu_seconds(self.process.pid)

    def memory(self, what: str = "VmRSS") -> float:
        """Return MiB that it holds; VmHWM is the most that it ever held."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024

    def is_healthy(self) -> bool:
        """Whether it says that its view is true."""
        assert self.process.poll() is None, "the operator ended; see its log"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


@contextmanager
def operator(
    kubeconfig: Path, stores: Mapping[str, str], core: int, **settings: str
) -> Iterator[Subject]:
    """Run it until the block ends; it is healthy when the block begins."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(kubeconfig),
        "NAMESPACE": "bench",
        "INSTALL_ID": "bench",
        "PORT": str(port),
        "WORKER_IMAGE": "registry.invalid/soundstrip/worker:bench",
        "MOVER_SECRET": "mover",
        "PROGRESS_URL": f"http://127.0.0.1:{port}",
        "PROGRESS_KEY": "0123456789abcdef0123456789abcdef",
        "MAX_ACTIVE_JOBS": "500",
        **stores,
        **settings,
    }
    command = ["taskset", "-c", str(core), sys.executable, "-m", "soundstrip_operator"]
    log = kubeconfig.with_name("operator.log")
    with log.open("ab") as output, running(command, environment, output) as process:
        subject = Subject(process, port)
        wait_until(subject.is_healthy, "the operator is healthy", seconds=_START_SECONDS)
        yield subject
