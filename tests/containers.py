"""Real servers for integration tests: containers on loopback ports that go when the tests end."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tests.processes import RUN_LABEL, is_alive


def docker(*arguments: str, check: bool = True, seconds: float = 300) -> str:
    """Run docker and return what it prints on either stream."""
    done = subprocess.run(
        ["docker", *arguments],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    assert not check or done.returncode == 0, f"docker {arguments[0]}: {done.stdout}"
    return done.stdout.strip()


@contextmanager
def container(
    image: str,
    *ports: int,
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
) -> Iterator["Server"]:
    """Run a server until the block ends; its data go with it."""
    remove_abandoned()
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    publish = [f"--publish=127.0.0.1::{port}" for port in ports]
    label = f"--label={RUN_LABEL}={os.getpid()}"
    name = docker("run", "--detach", label, *publish, *variables, image, *arguments)
    try:
        yield Server(name, ports[0])
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


@contextmanager
def container_on_host(
    image: str, *, environment: Mapping[str, str], arguments: Sequence[str]
) -> Iterator[str]:
    """Run a server in the host's own network until the block ends; yield the container's id.

    No proxy copies what goes through a published port: for who measures the server.
    """
    remove_abandoned()
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    label = f"--label={RUN_LABEL}={os.getpid()}"
    name = docker("run", "--detach", "--network=host", label, *variables, image, *arguments)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


class Server:
    """A running container whose ports are published on loopback."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port

    @property
    def port(self) -> int:
        """The first port on 127.0.0.1; it changes when the container is stopped and started."""
        return self.published(self._port)

    def published(self, port: int) -> int:
        """Return where a port of the container is on 127.0.0.1."""
        ports = json.loads(docker("inspect", self.name))[0]["NetworkSettings"]["Ports"]
        return int(ports[f"{port}/tcp"][0]["HostPort"])

    def run(self, *command: str) -> str:
        """Run a command inside the container."""
        return docker("exec", self.name, *command)

    def pause(self) -> None:
        """Freeze the server: connections stand, and nobody answers."""
        docker("pause", self.name)

    def unpause(self) -> None:
        """Let a frozen server go on."""
        docker("unpause", self.name)

    def logs(self) -> str:
        """What the server printed."""
        return docker("logs", self.name)


def remove_abandoned() -> None:
    """Remove the containers of test runs that were killed."""
    form = f'--format={{{{.ID}}}} {{{{.Label "{RUN_LABEL}"}}}}'
    listing = docker("ps", "--all", f"--filter=label={RUN_LABEL}", form)
    for line in listing.splitlines():
        name, pid = line.split()
        if not is_alive(int(pid)):
            docker("rm", "--force", "--volumes", name, check=False)


@contextmanager
def paused(server: Server) -> Iterator[None]:
    """Have a server away: connections stand, and nobody answers."""
    server.pause()
    try:
        yield
    finally:
        server.unpause()
