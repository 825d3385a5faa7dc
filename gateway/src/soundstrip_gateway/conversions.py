"""Conversions as their owners see them: whose they are not, they do not exist for."""

from soundstrip_crds.conversion import Result, VideoConversion
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.ids import parse_conversion_id
from soundstrip_gateway.library import Library
from soundstrip_gateway.paging import Page, Place, choose_page
from soundstrip_gateway.refusals import gone, not_found
from soundstrip_gateway.tokens import Caller
from soundstrip_storage.layout import StoredFile


def find_conversion(cluster: Cluster, caller: Caller, text: str) -> VideoConversion:
    """Return the caller's conversion with this id.

    Raises:
        Problem: 404 if there is none, it is another's, or the id can't be one.
        ClusterUnavailable: If the API server does not answer.
    """
    name = parse_conversion_id(text)
    found = cluster.find(name) if name else None
    if found is None or found.spec.owner.id != caller.id:
        raise not_found()
    return found


def list_conversions(cluster: Cluster, caller: Caller, after: Place | None, limit: int) -> Page:
    """Return a page of the caller's conversions, newest first."""
    own = (c for c in cluster.scan(caller.id) if c.spec.owner.id == caller.id)
    return choose_page(own, after, limit)


def find_audio(library: Library, caller: Caller, result: Result) -> StoredFile:
    """Return the stored audio of the caller's conversion.

    Raises:
        Problem: 410 if it is not stored any more.
        StorageUnavailable: If MongoDB is away.
    """
    file = library.find(result, caller.id)
    if file is None:
        raise gone()
    return file
