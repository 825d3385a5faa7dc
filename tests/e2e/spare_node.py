"""A second node of the cluster, for a test that stops it: it joins, and goes without a trace."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.containers import docker, remove_abandoned
from tests.kubernetes import KubectlError, Namespace
from tests.processes import RUN_LABEL
from tests.waiting import wait_until

_NAME = "soundstrip-spare"
_SOCKET = "unix:///run/containerd/containerd.sock"
_HOST = (
    "--privileged",
    "--cgroupns=private",
    "--network=kind",
    "--tmpfs=/run",
    "--tmpfs=/tmp",
    "--volume=/var",
)
_OPTIONS = ("seccomp=unconfined", "apparmor=unconfined", "label=disable")


@contextmanager
def spare_node(cluster: Namespace, first: str, *images: str, taint: str) -> Iterator[str]:
    """Lend the name of a node that is Ready and holds these images; `first` is the node it joins.

    Nothing is scheduled onto it that does not tolerate the taint.

    It is started as kind starts its nodes, but is not one of kind's: a cluster that outlives the
    test is none the worse for it.
    """
    remove_spare_node(cluster)
    try:
        _start(first)
        for image in images:
            _load(image)
        _join(first)
        wait_until(lambda: _is_tainted(cluster, taint), "the node has joined", seconds=120)
        ready = ["wait", f"node/{_NAME}", "--for=condition=Ready", "--timeout=240s"]
        cluster.kubectl(*ready, seconds=250)
        yield _NAME
    finally:
        remove_spare_node(cluster)


def _start(first: str) -> None:
    config = json.loads(docker("inspect", first))[0]["Config"]
    security = [f"--security-opt={option}" for option in _OPTIONS]
    label = f"--label={RUN_LABEL}={os.getpid()}"
    names = [f"--name={_NAME}", f"--hostname={_NAME}", label]
    variables = [f"--env={v}" for v in config["Env"] if not v.startswith("KUBECONFIG")]
    mount = "--volume=/lib/modules:/lib/modules:ro"
    docker("run", "--detach", *names, *_HOST, *security, *variables, mount, config["Image"])
    wait_until(_has_containerd, "the node's containerd answers")


def _has_containerd() -> bool:
    listing = docker("exec", _NAME, "ctr", "-n", "k8s.io", "images", "ls", "-q", check=False)
    return "pause" in listing


def _load(image: str) -> None:
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
        command = ["docker", "exec", "-i", _NAME, "ctr", "-n", "k8s.io", "images", "import", "-"]
        done = subprocess.run(
            command, check=False, stdin=saved.stdout, capture_output=True, timeout=180
        )
    assert done.returncode == 0, done.stderr


def _join(first: str) -> None:
    """Join as kubeadm does it, with the kubelet's settings that kind gave the first node."""
    told = docker("exec", first, "kubeadm", "token", "create", "--ttl=5m", "--print-join-command")
    command = next(line for line in told.splitlines() if line.startswith("kubeadm join")).split()
    extra = ["--ignore-preflight-errors=all", f"--cri-socket={_SOCKET}"]
    docker("exec", _NAME, *command, *extra, seconds=180)


def _is_tainted(cluster: Namespace, taint: str) -> bool:
    """Taint the node as soon as it is there, which is before it is Ready."""
    try:
        cluster.kubectl("taint", "--overwrite", "node", _NAME, taint)
    except KubectlError:
        return False
    return True


def remove_spare_node(cluster: Namespace) -> None:
    """Remove the node, and the pods on it, which would hold their namespace for minutes.

    Also after a run that was killed.
    """
    remove_abandoned()
    docker("rm", "--force", "--volumes", _NAME, check=False)
    cluster.kubectl("delete", "node", _NAME, "--ignore-not-found", "--timeout=30s")
    on_it = f"--field-selector=spec.nodeName={_NAME}"
    cluster.kubectl("delete", "pods", on_it, "--force", "--grace-period=0", "--ignore-not-found")
