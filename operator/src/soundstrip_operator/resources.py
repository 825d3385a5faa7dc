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


def allot(resources: Resources, growth: int, ceiling: int) -> dict[str, Any]:
    """Return the container's resources, the memory multiplied by `growth` up to the ceiling."""
    limit = resources.memory_limit
    grown = max(limit, min(limit * growth, ceiling))
    request = min(grown, resources.memory_request * growth)
    return {
        "requests": {"memory": str(request), "cpu": resources.cpu_request},
        "limits": {"memory": str(grown), "cpu": resources.cpu_limit},
    }
