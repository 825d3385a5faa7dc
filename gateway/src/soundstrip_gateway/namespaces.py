"""Where this runs."""

from pathlib import Path

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def own_namespace(default: str) -> str:
    """Return the namespace of the pod that this runs in, or the default outside of any."""
    file = SERVICE_ACCOUNT / "namespace"
    return file.read_text().strip() if file.exists() else default
