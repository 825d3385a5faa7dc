"""Services as processes of their own that start at once.

They are forked from one process that has imported them all: half of the time of a test that starts
one would else go into imports. What is measured (memory, the start itself) is not started so.
"""

import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

_IMPORTED = [
    "__main__",  # or each fork would import pytest's
    "soundstrip_auth.main",
    "soundstrip_gateway.live.main",
    "soundstrip_gateway.main",
    "soundstrip_operator.main",
]


class Fork:
    """A running `python -m module`, to be handled as a Popen."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        """Start it; what it prints goes to the end of the log."""
        given = (module, dict(environment), str(log))
        self._process = _server().Process(target=_run, args=given, daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        pid = self._process.pid
        assert pid is not None
        return pid

    def poll(self) -> int | None:
        """Return its exit code, if it has ended; a signal's number is negative."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code.

        Raises:
            subprocess.TimeoutExpired: If it has not come by then.
        """
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without warning."""
        self.send_signal(signal.SIGKILL)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context


def _run(module: str, environment: dict[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    tempfile.tempdir = str(Path(log).parent)  # a fork ends without removing what it has there
    sys.argv = [module]
    for name in ("kubernetes.config", "kubernetes.aio.config"):  # which look when imported
        library = importlib.import_module(f"{name}.kube_config")
        library.KUBE_CONFIG_DEFAULT_LOCATION = environment.get("KUBECONFIG", "")
    runpy.run_module(module, run_name="__main__", alter_sys=True)
