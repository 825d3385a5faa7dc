"""The kind node: where a test does to a pod's processes what Kubernetes would not do."""

from typing import Any

from tests.containers import docker
from tests.kubernetes import Namespace
from tests.waiting import wait_until

_SIGNAL = r"""
progress="/var/lib/kubelet/pods/$1/volumes/kubernetes.io~empty-dir/output/progress"
reached=
until [ "$reached" ] || [ $SECONDS -gt 200 ]; do
    for process in /proc/[0-9]*; do
        read -r name <$process/comm && [ "$name" = ffmpeg ] || continue
        grep -qE "pod($1|${1//-/_})" $process/cgroup && grep -q '^out_time_us=[1-9]' "$progress" &&
            kill -s "$2" "${process#/proc/}" && reached=yes
    done
    sleep 0.02
done 2>/dev/null
[ "$reached" ]
"""
"""Sends the signal $2 to the FFmpegs that make audio in the pod $1, as soon as there is some."""


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

    def hold(self, namespace: Namespace, conversion: str) -> dict[str, Any]:
        """Stop FFmpeg in the middle of a conversion, which so can't end, and return the pod.

        FFmpeg is waited for before its container is there: it may be quick.
        """
        selector = f"--selector=soundstrip.dev/conversion={conversion}"
        wait_until(lambda: namespace.list("pods", selector), "the pod is there", seconds=90)
        [pod] = namespace.list("pods", selector)
        self._signal(pod, "STOP")
        name = pod["metadata"]["name"]
        namespace.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=55s")
        return namespace.get("pod", name) or {}

    def go_on(self, pod: dict[str, Any]) -> None:
        """Let FFmpeg come to its end."""
        self._signal(pod, "CONT")

    def _signal(self, pod: dict[str, Any], name: str) -> None:
        command = ["bash", "-c", _SIGNAL, "bash", pod["metadata"]["uid"], name]
        docker("exec", self._name, *command)
