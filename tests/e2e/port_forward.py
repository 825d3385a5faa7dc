"""A way from 127.0.0.1 into the cluster that comes back when its pod was replaced."""

import re
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import TracebackType
from typing import Self

from tests.kubernetes import Namespace
from tests.waiting import wait_until

_OPEN = re.compile(r"127\.0\.0\.1:(\d+) ->")


class PortForward:
    """`kubectl port-forward` to a service; `port` is valid for as long as the pod behind lives."""

    def __init__(self, namespace: Namespace, target: str, port: int) -> None:
        self._command = [
            "kubectl",
            f"--context={namespace.context}",
            f"--namespace={namespace.name}",
            "port-forward",
            "--address=127.0.0.1",
            target,
            f":{port}",
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; the forward is started, or started again, when it is down."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        return self._port

    def close(self) -> None:
        """End the forward; the next use starts a new one."""
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def _start(self) -> None:
        """Start it, its words going to a file: it tells of each connection, and a pipe fills up."""
        self.close()
        with NamedTemporaryFile() as output:
            self._process = process = subprocess.Popen(
                self._command, stdout=output, stderr=subprocess.STDOUT
            )
            said = Path(output.name)
            wait_until(
                lambda: _OPEN.search(said.read_text()) or process.poll() is not None,
                f"{' '.join(self._command[3:])} is open",
            )
            found = _OPEN.search(said.read_text())
            assert found, f"{' '.join(self._command[3:])}: {said.read_text()}"
        self._port = int(found[1])
