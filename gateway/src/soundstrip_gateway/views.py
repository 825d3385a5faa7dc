"""A conversion as people and their programs read it: the JSON of /v1, and the legacy answers."""

from dataclasses import dataclass
from typing import Any, Literal, assert_never

import msgspec

from soundstrip_crds.audio import Output, ResolvedOutput
from soundstrip_crds.conversion import Condition, Result, VideoConversion
from soundstrip_crds.reasons import BLOCKED, REMEDY, Reason

RETRY_SECONDS = 2
"""When it is worth to ask again about a conversion that is under way."""

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

_NOT_SEEN_YET = "Waiting for the operator to take it up."


@dataclass(frozen=True)
class Ready:
    """The audio can be fetched."""

    result: Result


@dataclass(frozen=True)
class Underway:
    """There is no audio yet."""

    state: State
    reason: str
    message: str


@dataclass(frozen=True)
class Failed:
    """There will be no audio."""

    reason: str
    message: str


Outcome = Ready | Underway | Failed


def judge(conversion: VideoConversion) -> Outcome:
    """Return how the conversion stands, by its condition Succeeded, which is latched at the end."""
    succeeded = conversion.status.condition("Succeeded")
    match succeeded:
        case None:
            return Underway("queued", Reason.QUEUED, _NOT_SEEN_YET)
        case Condition(status="True") if conversion.status.result is not None:
            return Ready(conversion.status.result)
        case Condition(status="False"):
            return Failed(succeeded.reason, _explain(succeeded))
        case _:
            return Underway(_stage(succeeded.reason), succeeded.reason, _explain(succeeded))


def state_of(conversion: VideoConversion) -> State:
    """Return the one word for programs that don't care for the reason."""
    outcome = judge(conversion)
    match outcome:
        case Ready():
            return "succeeded"
        case Underway():
            return outcome.state
        case Failed():
            return "cancelled" if outcome.reason == Reason.CANCELLED else "failed"
        case _:
            assert_never(outcome)


def describe(conversion: VideoConversion, url: str) -> dict[str, Any]:
    """Return the JSON of a conversion that lives at `url`; what is not known is left out."""
    spec, status = conversion.spec, conversion.status
    outcome = judge(conversion)
    links = {"self": url} | ({"result": f"{url}/result"} if isinstance(outcome, Ready) else {})
    known = {
        "id": conversion.metadata.name,
        "fileId": spec.source.file_id,
        "state": state_of(conversion),
        **_reason_and_message(outcome),
        "progress": status.progress,
        "source": spec.source,
        "output": status.output or _asked_for(spec.output),
        "notify": {"email": spec.notify.email},
        "media": status.media,
        "result": status.result,
        "createdAt": conversion.metadata.creation_timestamp,
        "finishedAt": _finished_at(conversion),
        "links": links,
    }
    return {k: msgspec.to_builtins(v) for k, v in known.items() if v is not None}


def describe_legacy(conversion: VideoConversion) -> dict[str, Any]:
    """Return the JSON of the legacy 202: how far a conversion is that has no audio yet."""
    progress = conversion.status.progress
    return {
        "video_fid": conversion.spec.source.file_id,
        "status": state_of(conversion),
        **_reason_and_message(judge(conversion)),
        "progress": (progress and progress.percent) or 0,
    }


def _asked_for(output: Output) -> Output | ResolvedOutput:
    """Which profile it will be, and what that says, is known when it is accepted."""
    return output if output.needs_profile else output.resolve()


def _reason_and_message(outcome: Outcome) -> dict[str, str]:
    match outcome:
        case Ready():
            return {"reason": Reason.SUCCEEDED, "message": REMEDY[Reason.SUCCEEDED]}
        case Underway() | Failed():
            return {"reason": outcome.reason, "message": outcome.message}
        case _:
            assert_never(outcome)


def _stage(reason: str) -> State:
    return "queued" if reason in {Reason.QUEUED, *BLOCKED} else "running"


def _explain(condition: Condition) -> str:
    known = condition.reason in set(Reason)
    return condition.message or (REMEDY[Reason(condition.reason)] if known else "")


def _finished_at(conversion: VideoConversion) -> Any:  # noqa: ANN401 - a date or none, for JSON
    finished = conversion.status.condition("Finished")
    if finished is None or finished.status != "True":
        return None
    return finished.last_transition_time
