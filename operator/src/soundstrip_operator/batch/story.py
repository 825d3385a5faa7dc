"""A batch's status as it moves on: each function returns the next one."""

from collections import Counter

from msgspec.structs import replace

from soundstrip_crds.batch import (
    MOST_FAILURES,
    MOST_ITEMS,
    BatchCondition,
    BatchConditionType,
    BatchReason,
    BatchStatus,
    Counts,
    ItemFailure,
)
from soundstrip_crds.conversion import ConditionStatus, VideoConversion
from soundstrip_operator.batch.child import State, state_of
from soundstrip_operator.batch.situation import Situation
from soundstrip_operator.conditions import keep_transition, sentence

_UNFINISHED = "It has not come to an end yet."

_SENTENCES: dict[BatchReason, str] = {
    BatchReason.CREATING: "The conversions are being made.",
    BatchReason.RUNNING: "{ended} of {total} conversions have come to an end.",
    BatchReason.SUSPENDED: "It is suspended; set spec.suspend to false to have it go on.",
    BatchReason.STOPPING: "What is unfinished is being cancelled.",
    BatchReason.SUCCEEDED: "The audio of all its conversions is ready to be downloaded.",
    BatchReason.ITEMS_FAILED: "Of {total} conversions {failed} failed, and {cancelled} were "
    "cancelled; each says why, and what to do. status.failures names the first that failed.",
    BatchReason.ITEMS_CANCELLED: "Of {total} conversions {cancelled} were cancelled; each can be "
    "run again on its own, by its spec.run.",
    BatchReason.CANCELLED: "It was cancelled on request; create another ConversionBatch for what "
    "was not converted.",
    BatchReason.NOTHING_LEFT: "All its conversions were deleted.",
    BatchReason.NOTHING_SELECTED: "The owner has no conversion with these labels; create another "
    "ConversionBatch with another selector.",
    BatchReason.TOO_MANY_SELECTED: "The selector means {selected} sources, and a batch takes "
    "{most}; create several, each with a narrower selector.",
}


def observed(s: Situation) -> BatchStatus:
    """The same, of the generation that there is now."""
    generation = s.batch.metadata.generation
    conditions = tuple(replace(c, observed_generation=generation) for c in s.status.conditions)
    return replace(s.status, conditions=conditions, observed_generation=generation)


def creating(s: Situation, cause: str = "") -> BatchStatus:
    """Its conversions are being made; the cause is what holds that up."""
    return _open(s, s.status, BatchReason.CREATING, cause or _SENTENCES[BatchReason.CREATING])


def not_begun(s: Situation, reason: BatchReason) -> BatchStatus:
    """The outcome: there is nothing that could be made."""
    status = replace(s.status, total=0, counts=Counts())
    return _latched(s, status, "False", reason, _explain(s, reason, Counts()))


def told(s: Situation) -> BatchStatus:
    """How its conversions stand; the outcome, if none is unfinished."""
    counts = count(s)
    failures = tuple(_failure(child) for child in s.failed[:MOST_FAILURES])
    status = replace(s.status, total=s.total, counts=counts, failures=failures)
    if counts.unfinished:
        reason = _stage(s)
        return _open(s, status, reason, _explain(s, reason, counts))
    reason = _outcome(s, counts)
    value: ConditionStatus = "True" if reason is BatchReason.SUCCEEDED else "False"
    return _latched(s, status, value, reason, _explain(s, reason, counts))


def count(s: Situation) -> Counts:
    """Count the conversions by how they stand."""
    states = Counter(state_of(child) for child in s.present)
    return Counts(
        waiting=states[State.WAITING],
        running=states[State.RUNNING],
        succeeded=states[State.SUCCEEDED],
        failed=states[State.FAILED],
        cancelled=states[State.CANCELLED],
        missing=s.total - len(s.present),
    )


def _stage(s: Situation) -> BatchReason:
    if s.is_stopping:
        return BatchReason.STOPPING
    return BatchReason.SUSPENDED if s.batch.spec.suspend else BatchReason.RUNNING


def _outcome(s: Situation, counts: Counts) -> BatchReason:
    """What was asked for comes first; who deletes a conversion has no more need of it."""
    over_by_themselves = counts.succeeded + counts.failed
    if s.batch.spec.cancelled and (over_by_themselves < s.total or not s.total):
        return BatchReason.CANCELLED
    if counts.failed:
        return BatchReason.ITEMS_FAILED
    if counts.cancelled:
        return BatchReason.ITEMS_CANCELLED
    return BatchReason.SUCCEEDED if counts.succeeded else BatchReason.NOTHING_LEFT


def _explain(s: Situation, reason: BatchReason, counts: Counts) -> str:
    if reason is BatchReason.STOPPING and not s.batch.spec.cancelled:
        first = _failure(s.failed[0])
        return f"{first.name} ({first.filename}) failed as {first.reason}. {_SENTENCES[reason]}"
    return _SENTENCES[reason].format(
        total=s.total,
        ended=s.total - counts.unfinished,
        failed=counts.failed,
        cancelled=counts.cancelled,
        selected=len(s.sources or ()),
        most=MOST_ITEMS,
    )


def _failure(child: VideoConversion) -> ItemFailure:
    succeeded = child.status.condition("Succeeded")
    reason = succeeded.reason if succeeded else "Unknown"
    filename = child.spec.source.filename
    return ItemFailure(name=child.metadata.name, filename=filename, reason=reason)


def _open(s: Situation, status: BatchStatus, reason: BatchReason, text: str) -> BatchStatus:
    return _set(
        s,
        status,
        ("Succeeded", "Unknown", reason, text),
        ("Finished", "False", "Unfinished", _UNFINISHED),
    )


def _latched(
    s: Situation, status: BatchStatus, value: ConditionStatus, reason: BatchReason, text: str
) -> BatchStatus:
    return _set(s, status, ("Succeeded", value, reason, text), ("Finished", "True", reason, text))


def _set(
    s: Situation, status: BatchStatus, *what: tuple[BatchConditionType, ConditionStatus, str, str]
) -> BatchStatus:
    generation = s.batch.metadata.generation
    conditions = tuple(
        keep_transition(
            BatchCondition(
                type=kind,
                status=value,
                reason=reason,
                message=sentence(text),
                last_transition_time=s.now.replace(microsecond=0),
                observed_generation=generation,
            ),
            s.status.condition(kind),
        )
        for kind, value, reason, text in what
    )
    return replace(status, conditions=conditions, observed_generation=generation)
