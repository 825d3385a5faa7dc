"""Who gets the free places: by priority, then the owner with least running, then by age."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from soundstrip_crds.conversion import VideoConversion
from soundstrip_operator.backoff import next_start
from soundstrip_operator.policy import Policy
from soundstrip_operator.situation import next_try, run_of, tries_of, wants_another_run
from soundstrip_operator.workload import Job

_DELETION_COUNTS = timedelta(seconds=30)
"""A Job that is being deleted keeps its place this long: on a lost node it is there for ever."""

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Waiting:
    """A conversion that could start now; those of one owner start in this order."""

    rank: int
    """The priority, negated: the least goes first."""
    created: datetime
    name: str
    owner: str = field(compare=False)


@dataclass(frozen=True)
class Stand:
    """What one conversion means for the places, until `review` at the latest."""

    owner: str
    active: int = 0
    """Its Jobs that have a place."""
    waiting: Waiting | None = None
    review: datetime | None = None


def take_turns(
    lines: Mapping[str, Sequence[Waiting]], running: Mapping[str, int], most: int
) -> Iterator[Waiting]:
    """Yield who gets the next free place, and the next, as if each started at once.

    `lines` are the waiting of each owner in their order, `running` what each owner has running,
    and nobody gets more than `most`.
    """
    turns = [
        (line[0].rank, running.get(owner, 0), line[0], owner, 0)
        for owner, line in lines.items()
        if line and running.get(owner, 0) < most
    ]
    heapq.heapify(turns)
    while turns:
        _, runs, first, owner, place = heapq.heappop(turns)
        yield first
        line, runs, place = lines[owner], runs + 1, place + 1
        if place < len(line) and runs < most:
            heapq.heappush(turns, (line[place].rank, runs, line[place], owner, place))


def stand_of(
    conversion: VideoConversion | None, jobs: Iterable[Job], policy: Policy, now: datetime
) -> Stand | None:
    """Return where a conversion and its Jobs stand; None if they mean nothing here."""
    jobs = tuple(jobs)
    placed = [job for job in jobs if occupies_place(job, now)]
    owner = conversion.spec.owner.id if conversion else next((job.owner for job in placed), "")
    waiting, due = _waiting(conversion, jobs, policy, now) if conversion else (None, None)
    if not placed and waiting is None and due is None:
        return None
    deleted = [moment for job in placed if (moment := job.metadata.deletion_timestamp)]
    ends = [moment + _DELETION_COUNTS for moment in deleted]
    review = min((moment for moment in (*ends, due) if moment), default=None)
    return Stand(owner, len(placed), waiting if not placed else None, review)


def _waiting(
    conversion: VideoConversion, jobs: Sequence[Job], policy: Policy, now: datetime
) -> tuple[Waiting | None, datetime | None]:
    """Return it as one that waits, or else when its next try is due."""
    if not is_waiting(conversion):
        return None, None
    attempt = (run_of(conversion.status), next_try(conversion.status))
    if any(job.attempt == attempt for job in jobs):
        return None, None  # Its Job is made already, and about to be recorded.
    tries = tries_of(conversion.status)
    due = next_start(conversion.metadata.uid, tries[-1], policy) if tries else None
    if due is not None and due > now:
        return None, due
    created = conversion.metadata.creation_timestamp or _LAST
    spec, name = conversion.spec, conversion.metadata.name
    return Waiting(-spec.priority, created, name, spec.owner.id), None


def occupies_place(job: Job, now: datetime) -> bool:
    """Say whether a Job counts as active."""
    if job.is_placed_by_kueue:
        return False
    deleted = job.metadata.deletion_timestamp
    return not job.finished and (deleted is None or now - deleted < _DELETION_COUNTS)


def is_waiting(conversion: VideoConversion) -> bool:
    """Say whether an accepted conversion is between two tries, or before the first."""
    if not is_accepted(conversion) or not is_open(conversion):
        return False
    if conversion.spec.suspend or conversion.spec.queue_name:
        return False
    tries = tries_of(conversion.status)
    return not tries or tries[-1].finished_at is not None


def is_accepted(conversion: VideoConversion) -> bool:
    """Say whether its source is claimed and its output settled."""
    accepted = conversion.status.condition("Accepted")
    return accepted is not None and accepted.status == "True"


def is_open(conversion: VideoConversion) -> bool:
    """Say whether the outcome of the run that is wanted is still to come."""
    if conversion.metadata.deletion_timestamp is not None or conversion.spec.cancelled:
        return False
    succeeded = conversion.status.condition("Succeeded")
    value = "Unknown" if succeeded is None else succeeded.status
    return value == "Unknown" or wants_another_run(conversion)
