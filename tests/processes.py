"""Programs under test, run as a person would run them."""

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar


class Program(Protocol):
    """What runs: a Popen, or what can be handled as one."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def poll(self) -> int | None:
        """Return its exit code, if it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and return its exit code."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it without warning."""


P = TypeVar("P", bound=Program)


RUN_LABEL = "dev.soundstrip.test-pid"
"""Says which process of a test run made what: what a run that was killed left is removed by it."""


def is_alive(pid: int) -> bool:
    """Tell whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on, and that no other test is given.

    A connection that has ended there keeps the kernel from choosing it for a minute; a server may
    bind it all the same, for servers set SO_REUSEADDR.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            listener.accept()[0].close()  # who closes first keeps the port
        return int(listener.getsockname()[1])


def start(module: str, environment: Mapping[str, str], log: Path) -> Program:
    """Start `python -m module`; what it prints goes to the end of the log."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[1],
        )


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    stdout: BinaryIO | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the block ends; it is asked to end, and killed if it does not."""
    with ending(subprocess.Popen(command, env=environment, stdout=stdout)) as process:
        yield process


@contextmanager
def ending(process: P) -> Iterator[P]:
    """Have a program end with the block; it is asked to, and killed if it does not."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)
