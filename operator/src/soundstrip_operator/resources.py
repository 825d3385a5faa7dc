"""What a container gets of the node."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resources:
    """What one container asks for and may use at most; memory in bytes, CPU as a quantity."""

    memory_request: int
    memory_limit: int
    cpu_request: str
    cpu_limit: str


@dataclass(frozen=True)
class Share:
    """What one container takes beyond the usual: bytes on disk, and bytes of memory."""

    disk: int = 0
    memory: int = 0


def allot(resources: Resources, share: Share, growth: int, ceiling: int) -> dict[str, Any]:
    """Return what a container gets; `growth` multiplies its memory, up to the ceiling.

    Disk is asked for, and not limited: the limits are the volumes'.
    """
    wanted = (resources.memory_limit + share.memory) * growth
    limit = max(resources.memory_limit, min(wanted, ceiling))
    request = min(limit, (resources.memory_request + share.memory) * growth)
    disk = {"ephemeral-storage": str(share.disk)} if share.disk else {}
    return {
        "requests": {"memory": str(request), "cpu": resources.cpu_request, **disk},
        "limits": {"memory": str(limit), "cpu": resources.cpu_limit},
    }
