"""The status as it moves on: each function returns the next one, and none looks at the world."""

from msgspec.structs import replace

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.conversion import (
    ConditionStatus,
    ConditionType,
    Media,
    Progress,
    Queue,
    Result,
    Run,
    Status,
    Try,
)
from soundstrip_crds.reasons import Reason
from soundstrip_operator.backoff import next_start
from soundstrip_operator.conditions import (
    explain,
    missed_loudness,
    observe,
    sentence,
    set_condition,
)
from soundstrip_operator.situation import Situation, tries_of, with_run, with_tries
from soundstrip_operator.verdict import Failure
from soundstrip_operator.workload import Job

_ACCEPTED = "The source is complete and belongs to the owner."
_UNFINISHED = "It has not come to an end yet."
_STAGES = (Reason.QUEUED, Reason.PENDING, Reason.CONVERTING, Reason.STORING)


def _set(
    s: Situation, status: Status, *what: tuple[ConditionType, ConditionStatus, str, str]
) -> Status:
    generation = s.conversion.metadata.generation
    for kind, value, reason, text in what:
        status = set_condition(status, kind, value, reason, text, generation=generation, now=s.now)
    return observe(status, generation)


def unclaimed(s: Situation, cause: str) -> Status:
    """The store did not say yet whether the source is there."""
    reason = Reason.STORAGE_UNAVAILABLE
    text = explain(reason, cause)
    status = _set(s, s.status, ("Accepted", "Unknown", reason, text))
    return _waiting(s, status, Reason.QUEUED, text)


def accepted(s: Situation, output: ResolvedOutput) -> Status:
    """It may run, and this is what it makes, whatever changes from now on."""
    status = replace(s.status, output=output)
    status = _set(s, status, ("Accepted", "True", "SourceClaimed", _ACCEPTED))
    return _waiting(s, status, Reason.QUEUED, explain(Reason.QUEUED))


def blocked(s: Situation, cause: str) -> Status:
    """Its source is claimed, but what it asks for can't be made until somebody does something."""
    reason = Reason.INVALID_PROFILE
    text = explain(reason, cause)
    status = _set(s, s.status, ("Accepted", "False", reason, text))
    return _waiting(s, status, reason, text)


def queued(s: Situation, message: str) -> Status:
    """It is accepted, and no try is under way."""
    status = _waiting(s, s.status, Reason.QUEUED, message)
    return replace(status, queue=Queue(position=s.position) if s.position else None)


def begun(s: Situation, job: Job) -> Status:
    """A try has a Job."""
    number = job.attempt[1]
    started = job.metadata.creation_timestamp
    tries = (*s.tries, Try(number=number, job=job.metadata.name, started_at=started))
    status = replace(with_tries(s.status, tries), progress=Progress(percent=0))
    return _waiting(s, status, Reason.PENDING, explain(Reason.PENDING))


def underway(s: Situation, reason: Reason, cause: str) -> Status:
    """The try goes on; a stage that was reached is not left backwards, but for Kueue's sake."""
    if reason == Reason.QUEUED:
        back = replace(s.status, progress=Progress(percent=0))
        return _waiting(s, back, reason, explain(reason, cause))
    reached = _reached(s)
    stage = max(reached, reason, key=_STAGES.index)
    message = explain(stage, cause if stage == reason else "")
    status = _waiting(s, s.status, stage, message)
    post = s.progress
    if post is None:
        return status
    media = post.media or status.media
    return replace(status, media=media, progress=_further(status.progress, post.progress))


def ended(s: Situation, failure: Failure) -> Status:
    """The try under way, if there is one, failed."""
    if s.current is None:
        return s.status
    last = replace(
        s.current,
        finished_at=s.now.replace(microsecond=0),
        reason=failure.reason,
        message=sentence(explain(failure.reason, failure.cause)),
        exit_code=failure.exit_code,
    )
    media = failure.media or s.status.media
    return replace(with_tries(s.status, (*s.tries[:-1], last)), media=media)


def retrying(s: Situation, status: Status) -> Status:
    """Another try follows the last one of this status, after a while."""
    last = tries_of(status)[-1]
    due = next_start(s.conversion.metadata.uid, last, s.policy)
    text = f"Try {last.number + 1} of at most {s.policy.max_tries} starts after {due:%H:%M:%S} UTC"
    cause = f"{text}. {last.reason}: {last.message}"
    return _waiting(s, status, Reason.QUEUED, cause)


def suspended(s: Situation, status: Status) -> Status:
    """It does not go on until a person lets it."""
    return _waiting(s, status, Reason.SUSPENDED, explain(Reason.SUSPENDED))


def held(s: Situation, message: str) -> Status:
    """It stays where it is until the world answers."""
    return _waiting(s, s.status, _reached(s), message)


def succeeded(s: Situation, result: Result, media: Media | None) -> Status:
    """The outcome: it has a result."""
    status = replace(
        s.status,
        result=result,
        media=media or s.status.media,
        progress=Progress(percent=100),
    )
    if s.current is not None:
        last = replace(s.current, finished_at=s.now.replace(microsecond=0), reason=Reason.SUCCEEDED)
        status = with_tries(status, (*s.tries[:-1], last))
    message = explain(Reason.SUCCEEDED, missed_loudness(status.output, result))
    return _latched(s, status, "True", Reason.SUCCEEDED, message)


def failed(s: Situation, failure: Failure) -> Status:
    """The outcome: it has none, and there will be no other try."""
    message = explain(failure.reason, failure.cause)
    return _latched(s, ended(s, failure), "False", failure.reason, message)


def refused(s: Situation) -> Status:
    """The outcome: the owner has no such source."""
    reason = Reason.SOURCE_MISSING
    message = explain(reason)
    status = _set(s, s.status, ("Accepted", "False", reason, message))
    return _latched(s, status, "False", reason, message)


def begun_again(s: Situation) -> Status:
    """Another run is wanted: all that was said of the last one is open again."""
    number = s.conversion.spec.run
    media = s.status.media
    status = with_run(Status(runs=s.status.runs, media=media), Run(number=number))
    return _waiting(s, status, Reason.QUEUED, f"Run {number} begins.")


def notified(s: Situation) -> Status:
    """The event of the end is confirmed by the broker."""
    return _set(s, s.status, ("Notified", "True", "Published", "The end is announced."))


def _waiting(s: Situation, status: Status, reason: Reason, message: str) -> Status:
    return _set(
        s,
        replace(status, queue=None),
        ("Succeeded", "Unknown", reason, message),
        ("Finished", "False", "Unfinished", _UNFINISHED),
    )


def _latched(
    s: Situation, status: Status, value: ConditionStatus, reason: Reason, message: str
) -> Status:
    run = status.runs[-1] if status.runs else Run(number=1)
    ended = replace(run, finished_at=s.now.replace(microsecond=0), reason=reason)
    return _set(
        s,
        replace(with_run(status, ended), queue=None),
        ("Succeeded", value, reason, message),
        ("Finished", "True", reason, message),
        ("Notified", "False", "Publishing", "The end is being announced."),
    )


def _reached(s: Situation) -> Reason:
    succeeded = s.status.condition("Succeeded")
    reasons = {succeeded.reason if succeeded else "", s.progress.reason if s.progress else ""}
    return max((r for r in _STAGES if r in reasons), key=_STAGES.index, default=Reason.QUEUED)


def _further(old: Progress | None, new: Progress | None) -> Progress | None:
    if old is None or new is None:
        return new or old
    if new.percent is None:
        return new
    return replace(new, percent=max(old.percent or 0, new.percent))
