"""A control plane without nodes: etcd, API server, controller manager and scheduler, and kwok.

They are the real ones, as processes of this machine. kwok plays the kubelets, so pods run, end with
a mover's report and go; nothing runs in them.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from hack.bench.scale.subject import cpu_seconds
from hack.bench.scale.templates import REPORT
from tests.processes import free_port, running
from tests.waiting import wait_until

_STAGES = Path(__file__).with_name("stages.yaml")
_REPORT_MARK = "<the mover's report>"
_CRDS = Path(__file__).parents[3] / "crds"
_CONTROLLERS = (
    "job,garbage-collector-controller,namespace-controller,pod-garbage-collector-controller"
)
_RATE = ["--kube-api-qps=2000", "--kube-api-burst=4000"]
"""The defaults, 20 a second for all Jobs, would be all that is measured."""

_NODES = 5
_PODS = 1000


@dataclass(frozen=True)
class ControlPlane:
    """A running one."""

    kubeconfig: Path
    etcd: str
    pids: dict[str, int]

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time that each part has used so far."""
        return {name: cpu_seconds(pid) for name, pid in self.pids.items()}

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return what it prints."""
        command = ["kubectl", f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, input=stdin)
        return done.stdout

    def database_bytes(self) -> float:
        """Return what etcd's database takes on the disk."""
        text = requests.get(f"{self.etcd}/metrics", timeout=10).text
        name = "etcd_mvcc_db_total_size_in_bytes "
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Run one until the block ends, with the CRDs, a namespace `bench` and some nodes of kwok's."""
    programs = _link_programs(folder)
    etcd = f"http://127.0.0.1:{free_port()}"
    port, token = free_port(), secrets.token_hex(16)
    kubeconfig = folder / "kubeconfig"
    plane = ControlPlane(kubeconfig, etcd, {})
    with ExitStack() as stack:
        log = stack.enter_context((folder / "control-plane.log").open("ab"))

        def run(*command: str) -> None:
            merged = ["sh", "-c", 'exec "$0" "$@" 2>&1', *command]
            process = stack.enter_context(running(merged, dict(os.environ), log))
            plane.pids[Path(command[0]).name] = process.pid

        run(*_etcd(programs, folder, etcd))
        run(*_api_server(programs, folder, etcd, port, token))
        authority = folder / "certificates" / "apiserver.crt"
        wait_until(authority.exists, "the API server has its certificate")
        kubeconfig.write_text(_kubeconfig(port, authority, token))
        wait_until(lambda: _is_ready(plane), "the API server is ready", seconds=120)
        common = [f"--kubeconfig={kubeconfig}", "--leader-elect=false", *_RATE]
        run(f"{programs}/kube-controller-manager", f"--controllers={_CONTROLLERS}", *common)
        run(f"{programs}/kube-scheduler", "--secure-port=0", *common)
        _prepare(plane)
        stages = folder / "stages.yaml"
        stages.write_text(_STAGES.read_text().replace(_REPORT_MARK, REPORT))
        run("kwok", f"--kubeconfig={kubeconfig}", "--manage-all-nodes", f"--config={stages}")
        yield plane


def _link_programs(folder: Path) -> Path:
    """Every part of Kubernetes is one binary; the name it is called by chooses the part."""
    kube = shutil.which("kube")
    assert kube, "run `make cluster` first: it builds Kubernetes"
    programs = folder / "programs"
    programs.mkdir()
    for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        (programs / name).symlink_to(kube)
    return programs


def _etcd(programs: Path, folder: Path, url: str) -> list[str]:
    peer = f"http://127.0.0.1:{free_port()}"
    return [
        f"{programs}/etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=error",
    ]


def _api_server(programs: Path, folder: Path, etcd: str, port: int, token: str) -> list[str]:
    key = folder / "service-accounts.key"
    command = ["openssl", "genrsa", "-out", str(key), "2048"]
    subprocess.run(command, check=True, capture_output=True)
    tokens = folder / "tokens.csv"
    tokens.write_text(f'{token},bench,bench,"system:masters"\n')
    return [
        f"{programs}/kube-apiserver",
        f"--etcd-servers={etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
    ]


def _kubeconfig(port: int, authority: Path, token: str) -> str:
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(authority)}
    context = {"cluster": "bench", "user": "bench"}
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bench", "cluster": cluster}],
        "users": [{"name": "bench", "user": {"token": token}}],
        "contexts": [{"name": "bench", "context": context}],
        "current-context": "bench",
    }
    return json.dumps(body)


def _is_ready(plane: ControlPlane) -> bool:
    try:
        return plane.kubectl("get", "--raw", "/readyz") == "ok"
    except subprocess.CalledProcessError:
        return False


def _prepare(plane: ControlPlane) -> None:
    plane.kubectl("create", "namespace", "bench")
    plane.kubectl("apply", f"--filename={_CRDS}")
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    nodes = [_node(number) for number in range(_NODES)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes})
    plane.kubectl("create", "--filename=-", stdin=text)


def _node(number: int) -> dict[str, Any]:
    room = {"cpu": "1k", "memory": "1Ti", "pods": str(_PODS), "ephemeral-storage": "100Ti"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"simulated-{number}"},
        "status": {"capacity": room, "allocatable": room},
    }
