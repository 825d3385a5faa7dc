"""The kind node: where a test does to a pod's processes what Kubernetes would not do."""

from collections.abc import Callable
from subprocess import PIPE, Popen
from typing import Any

from tests.containers import docker
from tests.kubernetes import Namespace

_SIGNAL = r"""
signal() {
    local process name cgroup reached=
    for process in /proc/[0-9]*; do
        { read -r name <$process/comm && cgroup=$(<$process/cgroup); } 2>/dev/null || continue
        [[ $name = ffmpeg && $cgroup = *pod@($2|${2//-/_})* ]] &&
            kill -s "$1" "${process#/proc/}" && reached=yes
    done
    [ "$reached" ]
}
"""
"""Sends the signal $1 to the FFmpegs of the pod whose uid is $2."""

_GO_ON = f"""
shopt -s extglob
{_SIGNAL}
signal CONT "$1"
"""

_LIE_IN_WAIT = rf"""
shopt -s extglob nullglob
{_SIGNAL}
cd /var/log/pods
before=" $(echo "$1"*) "
echo waits
renice -n -20 $$ >/dev/null
while [ $SECONDS -lt 600 ]; do
    for pod in "$1"*; do
        [[ $before = *" $pod "* ]] && continue
        uid=${{pod##*_}}
        progress="/var/lib/kubelet/pods/$uid/volumes/kubernetes.io~empty-dir/output/progress"
        [[ $(cat "$progress" 2>/dev/null) = *out_time_us=[1-9]* ]] || continue
        signal STOP "$uid" && echo "$uid" && exit
    done
    read -r -t 0.02
    [ $? -gt 128 ] || exit
done
"""
"""Stops the FFmpegs of the first new pod whose log's name begins with $1, once there is some audio.

It ends when nobody listens any more, or after ten minutes.
"""


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

    def hold(
        self, namespace: Namespace, begin: Callable[[], str], pods: str = "vc-"
    ) -> tuple[str, dict[str, Any]]:
        """Begin a conversion, and stop FFmpeg in the middle of it; return its name and its pod.

        FFmpeg is waited for before it is asked for: it may be quick, and whoever asks slow. It is
        that of the first new pod whose name begins with `pods`.
        """
        script = ["bash", "-c", _LIE_IN_WAIT, "bash", f"{namespace.name}_{pods}"]
        command = ["docker", "exec", "--interactive", self._name, *script]
        with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as waiting:
            assert waiting.stdout is not None
            assert waiting.stdout.readline() == "waits\n"
            name = begin()
            uid = waiting.stdout.readline().strip()
        return name, _find_ready(namespace, name, uid)

    def go_on(self, pod: dict[str, Any]) -> None:
        """Let FFmpeg come to its end."""
        docker("exec", self._name, "bash", "-c", _GO_ON, "bash", pod["metadata"]["uid"])


def _find_ready(namespace: Namespace, conversion: str, uid: str) -> dict[str, Any]:
    pods = namespace.list("pods", f"--selector=soundstrip.dev/conversion={conversion}")
    [pod] = [one for one in pods if one["metadata"]["uid"] == uid]
    name = pod["metadata"]["name"]
    namespace.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=115s")
    return namespace.get("pod", name) or {}
