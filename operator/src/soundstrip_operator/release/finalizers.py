"""Conversions lose their finalizer when there is nobody left who would honour it."""

import structlog

from soundstrip_crds.names import FINALIZER
from soundstrip_operator.cluster import Body, Cluster, Conflict, NotFound
from soundstrip_operator.pages import as_body

log = structlog.get_logger("soundstrip.release")

_PASSES = 5
"""A conversion that somebody writes at the same moment is met again in the next pass."""


async def release_finalizers(cluster: Cluster) -> int:
    """Take our finalizer off all conversions and return how many were released.

    What they stored stays: it is for the next operator, or for whoever deletes the database.

    Raises:
        ClusterError: If the API server does not answer, or refuses.
    """
    released = 0
    for _ in range(_PASSES):
        bodies, _ = await cluster.list_conversions(as_body)
        held = [body for body in bodies if FINALIZER in _finalizers(body)]
        if not held:
            break
        for body in held:
            released += await _release(cluster, body)
    return released


async def leave_with_namespace(cluster: Cluster) -> None:
    """Release all conversions if the namespace is on its way out, as the operator's last act.

    Kubernetes 1.33 and later delete a namespace's pods before all else: the operator is told to
    end while conversions and its own rights still stand. Without this, the finalizers would hold
    the namespace for ever. There is nothing to tidy: the stores go with the namespace.

    Raises:
        ClusterError: If the API server does not answer, or refuses.
    """
    if await cluster.is_namespace_ending():
        log.info(
            "the namespace ends: conversions released", count=await release_finalizers(cluster)
        )


async def _release(cluster: Cluster, body: Body) -> bool:
    metadata = body["metadata"]
    kept = [finalizer for finalizer in _finalizers(body) if finalizer != FINALIZER]
    change = {"finalizers": kept, "resourceVersion": metadata["resourceVersion"]}
    try:
        await cluster.patch_conversion(metadata["name"], change)
    except (Conflict, NotFound):
        return False
    return True


def _finalizers(body: Body) -> list[str]:
    return list(body["metadata"].get("finalizers") or ())
