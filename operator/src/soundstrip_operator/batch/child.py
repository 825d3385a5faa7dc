"""How one conversion of a batch stands."""

from dataclasses import dataclass
from enum import Enum

from soundstrip_crds.conversion import OwnerReference, VideoConversion
from soundstrip_crds.names import BATCH_KIND
from soundstrip_crds.reasons import BLOCKED, Reason
from soundstrip_operator.situation import tries_of, wants_another_run


class State(Enum):
    """What a batch counts a conversion as."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = frozenset({State.WAITING, State.RUNNING})


@dataclass(frozen=True)
class Standing:
    """All of a conversion that a batch's decision depends on, and that can change."""

    state: State
    blocked: bool
    suspend: bool
    cancelled: bool
    priority: int
    leaving: bool


def find_batch(child: VideoConversion | None) -> OwnerReference | None:
    """Return the batch that controls a conversion, if one does."""
    references = child.metadata.owner_references if child else ()
    return next((one for one in references if one.controller and one.kind == BATCH_KIND), None)


def state_of(child: VideoConversion) -> State:
    """Judge a conversion by its status alone."""
    succeeded = child.status.condition("Succeeded")
    if succeeded is None or succeeded.status == "Unknown" or wants_another_run(child):
        return State.RUNNING if _has_job(child) else State.WAITING
    if succeeded.status == "True":
        return State.SUCCEEDED
    return State.CANCELLED if succeeded.reason == Reason.CANCELLED else State.FAILED


def is_blocked(child: VideoConversion) -> bool:
    """Say whether it can't go on until a person has done something."""
    accepted = child.status.condition("Accepted")
    return accepted is not None and accepted.reason in BLOCKED


def standing_of(child: VideoConversion) -> Standing:
    """Sum a conversion up: what leaves this as it is changes nothing for the batch."""
    return Standing(
        state=state_of(child),
        blocked=is_blocked(child),
        suspend=child.spec.suspend,
        cancelled=child.spec.cancelled,
        priority=child.spec.priority,
        leaving=child.metadata.deletion_timestamp is not None,
    )


def _has_job(child: VideoConversion) -> bool:
    tries = tries_of(child.status)
    return bool(tries) and tries[-1].finished_at is None
