"""The Helm release `soundstrip`, with the values of these tests."""

import subprocess
from pathlib import Path

from tests.kubernetes import CONTEXT, Namespace

_CHART = Path(__file__).parents[2] / "charts" / "soundstrip"
_VALUES = Path(__file__).with_name("values.yaml")


def install(namespace: Namespace) -> None:
    """Install the chart and wait until all of it is ready."""
    _helm(namespace, "install", str(_CHART), f"--values={_VALUES}", "--wait", "--timeout=8m")


def upgrade(namespace: Namespace, *arguments: str) -> None:
    """Upgrade the release and wait until all of it is ready."""
    values = (f"--values={_VALUES}", *arguments)
    _helm(namespace, "upgrade", str(_CHART), *values, "--wait", "--timeout=8m")


def uninstall(namespace: Namespace) -> None:
    """Uninstall the release and wait until its pods are gone."""
    _helm(namespace, "uninstall", "--wait", "--timeout=3m")


def run_test(namespace: Namespace) -> str:
    """Run `helm test` and return what it and its pod print."""
    return _helm(namespace, "test", "--logs", "--timeout=3m")


def _helm(namespace: Namespace, command: str, *arguments: str) -> str:
    where = [f"--kube-context={CONTEXT}", f"--namespace={namespace.name}"]
    done = subprocess.run(
        ["helm", command, *where, "soundstrip", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{done.stderr}\n{namespace.kubectl('get', 'pods')}"
    return done.stdout
