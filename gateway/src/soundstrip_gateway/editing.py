"""Changes of an object that others change at the same time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from soundstrip_crds.conversion import Metadata, VideoConversion
from soundstrip_gateway.apiserver import ObjectChanged
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.objects import Kept, Objects
from soundstrip_gateway.refusals import busy, conflict, not_found, precondition_failed
from soundstrip_gateway.tokens import Caller

_TRIES = 6
_PAUSE_SECONDS = 0.05
"""Before the second try; doubled for each further one, and jittered."""

_EXPIRED = (
    "It has expired and can't be changed; POST /v1/conversions with its source has it converted "
    "anew."
)

T = TypeVar("T")
K = TypeVar("K", bound=Kept)

Plan = Callable[[VideoConversion], dict[str, Any]]


def edit(attempt: Callable[[], T | None], if_match: str | None, what: str) -> T:
    """Return what an attempt returns that nobody came in between of.

    Raises:
        Problem: 404 if the object is gone, 412 if it must be as `if_match` says and is not, 503 if
            somebody was quicker each time.
    """
    for number in range(_TRIES):
        try:
            changed = attempt()
        except ObjectChanged as error:
            if if_match is not None:
                raise precondition_failed() from error
            time.sleep(_PAUSE_SECONDS * 2**number * random.uniform(0.5, 1))  # noqa: S311 - jitter
            continue
        if changed is None:
            raise not_found(what)
        return changed
    raise busy()


@dataclass(frozen=True)
class Goal:
    """What is to be changed, for people, and the ETag that it must have still."""

    what: str
    if_match: str | None = None


@dataclass(frozen=True)
class Request:
    """Who wants to change which conversion, and the ETag that it must have still."""

    caller: Caller
    text: str
    if_match: str | None = None


def edit_object(
    objects: Objects[K], find: Callable[[], K], plan: Callable[[K], dict[str, Any]], goal: Goal
) -> K:
    """Change an object's spec as the plan says, which is asked anew for each state of it.

    Raises:
        Problem: As `edit`, the plan, and `find` do.
    """

    def attempt() -> K | None:
        found = find()
        metadata = found.metadata
        check_match(metadata, goal.if_match)
        spec = plan(found)
        if not spec:
            return found
        return objects.patch(metadata.name, {"spec": spec}, metadata.resource_version)

    return edit(attempt, goal.if_match, goal.what)


def edit_conversion(
    conversions: Conversions, cluster: Cluster, request: Request, plan: Plan
) -> VideoConversion:
    """Change a conversion's spec as `edit_object` does.

    Raises:
        Problem: As `edit`, the plan, and `Conversions.find` do; 409 if it has expired.
    """

    def find() -> VideoConversion:
        found = conversions.find(request.caller, request.text)
        if found.archived_at is not None:
            raise conflict(_EXPIRED, "expired")
        return found.conversion

    return edit_object(cluster.conversions, find, plan, Goal("conversion", request.if_match))


def check_match(metadata: Metadata, if_match: str | None) -> None:
    """Return if the object is as `If-Match` says, or nothing is said.

    Raises:
        Problem: 412 if it is not.
    """
    if if_match is None or if_match.strip() == "*":
        return
    if etag_of(metadata) not in (tag.strip() for tag in if_match.split(",")):
        raise precondition_failed()


def etag_of(metadata: Metadata) -> str:
    """Return the ETag of an object: another one whenever it, or its status, has changed."""
    return f'"{metadata.uid}.{metadata.resource_version}"'
