"""Programs under test, run as a person would run them."""

import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO


def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    stdout: BinaryIO | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until the block ends; it is asked to end, and killed if it does not."""
    process = subprocess.Popen(command, env=environment, stdout=stdout)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(15)
