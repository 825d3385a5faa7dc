"""Helm's releases on the real cluster."""

import subprocess
from pathlib import Path

from tests.kubernetes import CONTEXT, Namespace

CHART = Path(__file__).parents[1] / "charts" / "soundstrip"


def helm(namespace: Namespace, command: str, release: str, *arguments: str) -> str:
    """Run a command of Helm on a release of this namespace and return what it prints."""
    where = [f"--kube-context={CONTEXT}", f"--namespace={namespace.name}"]
    done = subprocess.run(
        ["helm", command, release, *arguments, *where, "--timeout=6m"],
        check=False,
        capture_output=True,
        text=True,
        timeout=380,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{namespace.kubectl('get', 'pods')}"
    return done.stdout
