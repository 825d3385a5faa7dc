"""The last act of `helm uninstall`: reads the settings, waits, and releases the conversions."""

import asyncio
import sys
import time
from typing import NoReturn

from pydantic import Field

from soundstrip_operator.cluster import Cluster, ClusterError
from soundstrip_operator.connection import connect_to_kubernetes
from soundstrip_operator.release.finalizers import release_finalizers
from soundstrip_operator.release.lease import give_up_lease
from soundstrip_service.logs import configure_logs
from soundstrip_service.settings import Settings, load_settings

_POLL_SECONDS = 0.5


class ReleaseSettings(Settings):
    """Whose conversions, and who must be gone first."""

    namespace: str = Field(description="the namespace of the conversions")
    wait_for_pods: str | None = Field(
        default=None, description="label selector of pods that must be gone before"
    )
    install_id: str | None = Field(
        default=None, description="the installation whose Lease goes too; none does, if not set"
    )
    lease_name: str = Field(default="soundstrip-operator", description="the name of that Lease")
    wait_seconds: float = Field(default=120, ge=0, description="how long they are waited for")


def main() -> NoReturn:
    """Release all conversions; exit with 0, with 1 (the world) or with 2 (the caller)."""
    settings = load_settings(
        ReleaseSettings,
        program="python -m soundstrip_operator.release",
        description="Takes Soundstrip's finalizer off all VideoConversions of a namespace, for "
        "when no operator is left to honour it. What they stored stays.",
        argv=sys.argv[1:],
    )
    configure_logs(settings.log_level)
    try:
        print(f"conversions released: {asyncio.run(_release(settings))}")
    except (ClusterError, TimeoutError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)


async def _release(settings: ReleaseSettings) -> int:
    async with connect_to_kubernetes() as connection:
        cluster = Cluster(connection, settings.namespace)
        if settings.wait_for_pods:
            await _wait_gone(cluster, settings.wait_for_pods, settings.wait_seconds)
        released = await release_finalizers(cluster)
        if settings.install_id:
            await give_up_lease(cluster, settings.lease_name, settings.install_id)
        return released


async def _wait_gone(cluster: Cluster, selector: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while await cluster.has_pods(selector):
        if time.monotonic() > deadline:
            raise TimeoutError(f"pods with {selector} are still there after {seconds:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)
