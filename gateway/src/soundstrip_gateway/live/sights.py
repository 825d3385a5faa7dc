"""What is kept of a VideoConversion: the JSON that its owner is told, and little more."""

from dataclasses import dataclass

import msgspec

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.addresses import Addresses
from soundstrip_gateway.views import describe

_PATHS = Addresses()


@dataclass(frozen=True, slots=True)
class Sight:
    """A conversion at one of its versions; one that `is_gone` has no view any more.

    `stage` is what changes seldom and is told at once: state, reason and whether it is finished.
    """

    name: str
    owner: str
    version: int
    data: bytes
    stage: str = ""
    is_finished: bool = False
    is_gone: bool = False


def see(conversion: VideoConversion, addresses: Addresses = _PATHS) -> Sight:
    """Return what is kept of a conversion; one that is being deleted is gone for its owner.

    One that is not from the API server, but from the archive, has no version: 0.

    Raises:
        ValueError: If its version is no number.
    """
    metadata = conversion.metadata
    name, owner = metadata.name, conversion.spec.owner.id
    version = parse_version(metadata.resource_version or "0")
    if metadata.deletion_timestamp is not None:
        return see_gone(name, owner, version)
    view = describe(conversion, addresses.conversion(name))
    return Sight(
        name,
        owner,
        version,
        msgspec.json.encode(view),
        stage=f"{view.state} {view.reason} {view.finished_at}",
        is_finished=view.finished_at is not None,
    )


def see_gone(name: str, owner: str, version: int) -> Sight:
    """Return what is kept of a conversion that went with this version."""
    data = msgspec.json.encode({"id": name})
    return Sight(name, owner, version, data, is_finished=True, is_gone=True)


def parse_version(text: str) -> int:
    """Return a resourceVersion as the number by which versions of one resource are ordered.

    That they can be is Kubernetes' word since 1.35 (KEP-5504, Comparable Resource Versions); the
    API server has made them so, from etcd's revisions, ever since there are any.

    Raises:
        ValueError: If it is none.
    """
    if not (text.isascii() and text.isdecimal()):
        raise ValueError("A resourceVersion is a number.")
    return int(text)
