"""Which of the waiting conversions get the free places: the oldest first."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from soundstrip_crds.conversion import VideoConversion
from soundstrip_operator.backoff import next_start
from soundstrip_operator.policy import Policy
from soundstrip_operator.situation import tries_of
from soundstrip_operator.workload import Job

_DELETION_COUNTS = timedelta(seconds=30)
"""A Job that is being deleted keeps its place this long: on a lost node it is there for ever."""


@dataclass(frozen=True, order=True)
class Waiting:
    """A conversion that could start now; ordered by age."""

    created: datetime
    name: str


def admit(waiting: Iterable[Waiting], active: int, limit: int) -> frozenset[str]:
    """Return the names of those that may start, so that never more than `limit` are active."""
    places = max(0, limit - active)
    return frozenset(one.name for one in heapq.nsmallest(places, waiting))


def occupies_place(job: Job, now: datetime) -> bool:
    """Say whether a Job counts as active."""
    deleted = job.metadata.deletion_timestamp
    return not job.finished and (deleted is None or now - deleted < _DELETION_COUNTS)


def is_waiting(conversion: VideoConversion, policy: Policy, now: datetime) -> bool:
    """Say whether an accepted conversion without an active Job could start a try now."""
    accepted = conversion.status.condition("Accepted")
    if accepted is None or accepted.status != "True" or not is_open(conversion):
        return False
    tries = tries_of(conversion.status)
    if not tries:
        return True
    last = tries[-1]
    return last.finished_at is not None and next_start(conversion.metadata.uid, last, policy) <= now


def is_open(conversion: VideoConversion) -> bool:
    """Say whether the outcome is still to come."""
    succeeded = conversion.status.condition("Succeeded")
    latched = succeeded is not None and succeeded.status != "Unknown"
    leaving = conversion.metadata.deletion_timestamp is not None or conversion.spec.cancelled
    return not latched and not leaving
