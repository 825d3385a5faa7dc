"""A way from 127.0.0.1 into the cluster that comes back when its pod was replaced."""

import re
import subprocess
from types import TracebackType
from typing import Self

from tests.kubernetes import Namespace


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
        self._process: subprocess.Popen[str] | None = None
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
            self._process.communicate(timeout=10)
            self._process = None

    def _start(self) -> None:
        self.close()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout
        line = self._process.stdout.readline()
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found, f"{' '.join(self._command[3:])}: {line}"
        self._port = int(found[1])
