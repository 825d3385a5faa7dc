"""A conversion as people and their programs read it: the JSON of /v1, and the legacy answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, assert_never

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import Format, Output
from soundstrip_crds.conversion import (
    Condition,
    FileId,
    Media,
    Moment,
    Notify,
    Progress,
    Queue,
    Result,
    Source,
    VideoConversion,
)
from soundstrip_crds.names import BATCH_LABEL
from soundstrip_crds.reasons import BLOCKED, REMEDY, Reason

RETRY_SECONDS = 2
"""When it is worth to ask again about a conversion that is under way."""

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]

ConversionId = Annotated[
    str,
    Meta(
        pattern="^(vc-)?[0-9a-f]{24}$|^vc-[0-9a-f]{24}-[0-9a-f]{8}$",
        description="a conversion's id, or that of its source's file",
    ),
]

_NOT_SEEN_YET = "Waiting for the operator to take it up."
_RUNS_AGAIN = "Waiting for the operator to run it again."


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
    """Return how the conversion stands, by its condition Succeeded, which is latched at the end.

    When it is to run again, that is the end of the run before until the operator has seen it.
    """
    if is_due_again(conversion):
        return Underway("queued", Reason.QUEUED, _RUNS_AGAIN)
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


def is_due_again(conversion: VideoConversion) -> bool:
    """Return whether its status is that of the run before the one that is asked for."""
    runs = conversion.status.runs
    return conversion.spec.run > (runs[-1].number if runs else 1)


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


class Links(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where it is, its audio, if that can be fetched, and what was uploaded."""

    itself: str = msgspec.field(name="self")
    result: str | None = None
    source: str | None = None


class ConversionView(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A conversion; what is not known yet is left out.

    `output` is what was asked for until it is accepted, and then what is made. `archivedAt` says
    that it has expired: it can still be read, downloaded while its audio is kept, and deleted.
    """

    id: str
    file_id: FileId
    state: State
    reason: Annotated[str, Meta(description="the condition's; their number grows")]
    message: Annotated[str, Meta(description="what it means, and what to do")]
    run: Annotated[int, Meta(description="grows by one with each retry")] = 1
    suspend: bool = False
    cancelled: bool = False
    priority: int = 0
    ttl_seconds_after_finished: int | None = None
    batch: Annotated[str, Meta(description="the batch that made it")] | None = None
    queue: Queue | None = None
    progress: Progress | None = None
    source: Source
    output: Output
    notify: Annotated[dict[str, bool], Meta(description="which messages tell the end")]
    media: Media | None = None
    result: Result | None = None
    created_at: Moment | None = None
    finished_at: Moment | None = None
    archived_at: Moment | None = None
    further: Annotated[
        list["ConversionView"],
        Meta(description="in the answer to a POST for several outputs: those after the first"),
    ] = []
    links: Links


def describe(
    conversion: VideoConversion, url: str, archived_at: datetime | None = None
) -> ConversionView:
    """Return the JSON of a conversion that lives at `url`."""
    spec, status = conversion.spec, conversion.status
    outcome = judge(conversion)
    reason, message = _reason_and_message(outcome)
    return ConversionView(
        id=conversion.metadata.name,
        file_id=spec.source.file_id,
        state=state_of(conversion),
        reason=reason,
        message=message,
        run=spec.run,
        suspend=spec.suspend,
        cancelled=spec.cancelled,
        priority=spec.priority,
        ttl_seconds_after_finished=spec.ttl_seconds_after_finished,
        batch=conversion.metadata.labels.get(BATCH_LABEL),
        queue=status.queue,
        progress=status.progress,
        source=spec.source,
        output=_output_of(conversion),
        notify=_messages(spec.notify),
        media=status.media,
        result=status.result,
        created_at=conversion.metadata.creation_timestamp,
        finished_at=finished_at(conversion),
        archived_at=archived_at,
        links=Links(url, f"{url}/result" if isinstance(outcome, Ready) else None, f"{url}/source"),
    )


def finished_at(conversion: VideoConversion) -> Moment | None:
    """Return when the conversion came to its end, if it has."""
    finished = conversion.status.condition("Finished")
    if finished is None or finished.status != "True" or is_due_again(conversion):
        return None
    return finished.last_transition_time


def format_of(conversion: VideoConversion) -> Format | None:
    """Return the format that is made; None while a profile that is not looked up yet says it."""
    return _output_of(conversion).format


class LegacyView(msgspec.Struct, frozen=True):
    """How far a conversion is that has no audio yet; `progress` is in percent."""

    video_fid: FileId
    status: State
    reason: str
    message: str
    progress: int


def describe_legacy(conversion: VideoConversion) -> LegacyView:
    """Return the JSON of the legacy 202."""
    progress = conversion.status.progress
    reason, message = _reason_and_message(judge(conversion))
    return LegacyView(
        video_fid=conversion.spec.source.file_id,
        status=state_of(conversion),
        reason=reason,
        message=message,
        progress=(progress and progress.percent) or 0,
    )


def _output_of(conversion: VideoConversion) -> Output:
    """Which profile it will be, and what that says, is known when it is accepted."""
    asked, settled = conversion.spec.output, conversion.status.output
    if settled is None and asked.needs_profile:
        return asked
    return msgspec.convert(settled or asked.resolve(), Output, from_attributes=True)


def _messages(notify: Notify) -> dict[str, bool]:
    """Return each kind of message, also those that are as they are by default."""
    return msgspec.structs.asdict(notify)


def _reason_and_message(outcome: Outcome) -> tuple[str, str]:
    match outcome:
        case Ready():
            return Reason.SUCCEEDED, REMEDY[Reason.SUCCEEDED]
        case Underway() | Failed():
            return outcome.reason, outcome.message
        case _:
            assert_never(outcome)


def _stage(reason: str) -> State:
    return "queued" if reason in {Reason.QUEUED, *BLOCKED} else "running"


def _explain(condition: Condition) -> str:
    known = condition.reason in set(Reason)
    return condition.message or (REMEDY[Reason(condition.reason)] if known else "")
