"""The Lease of an installation goes with it, so that another one may have the namespace."""

import structlog

from soundstrip_operator.cluster import Cluster, Conflict, NotFound
from soundstrip_operator.lease import Record

log = structlog.get_logger("soundstrip.release")


async def give_up_lease(cluster: Cluster, name: str, install: str) -> None:
    """Delete the Lease if it is this installation's.

    Raises:
        ClusterError: If the API server does not answer, or refuses.
    """
    try:
        record = Record.parse(await cluster.get_lease(name))
        if record.install == install:
            await cluster.delete_lease(name, record.version)
            log.info("the Lease is given up")
    except (Conflict, NotFound):
        return  # It is gone, or another operator of this installation has just taken it.
