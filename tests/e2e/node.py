"""The kind node: where a test kills what Kubernetes would not kill for it."""

from typing import Any

from tests.containers import docker


class Node:
    """The container that is a node."""

    def __init__(self, name: str) -> None:
        self._name = name

    def kill(self, pod: dict[str, Any], container: str, signal: str = "SIGKILL") -> None:
        """Send a signal to a container's first process, from outside of it."""
        statuses = pod["status"]["containerStatuses"]
        found = next(s["containerID"] for s in statuses if s["name"] == container)
        task = found.removeprefix("containerd://")
        docker("exec", self._name, "ctr", "-n", "k8s.io", "tasks", "kill", "-s", signal, task)
