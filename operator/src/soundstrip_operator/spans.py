"""What a step of a conversion adds to its trace: the spans that are over with it.

A conversion outlives the operator's processes, so no span is held open: each is told when it is
over, from the times in the status, under an id that follows from uid, run and try.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from soundstrip_crds.conversion import Status, Try, VideoConversion
from soundstrip_crds.job import Stages
from soundstrip_crds.names import MOVER, TRACEPARENT_ANNOTATION
from soundstrip_crds.reasons import Reason
from soundstrip_operator.situation import JOB_NAME_LABEL, run_of, tries_of
from soundstrip_operator.termination import read_mover_report
from soundstrip_operator.workload import Pod
from soundstrip_service.tracing import Attributes, PastSpan, TraceContext, derive_span_id

_RunKey = tuple[str, int]
"""The uid and the run."""


def conversion_context(conversion: VideoConversion) -> TraceContext | None:
    """Return the place of the latest run in the trace that it was created in, if it was in one."""
    upload, run = _upload_context(conversion), run_of(conversion.status)
    return upload and upload.at(derive_span_id(conversion.metadata.uid, run))


def spans_of_step(
    conversion: VideoConversion, after: Status, pods: Iterable[Pod]
) -> tuple[PastSpan, ...]:
    """Return the spans that are over with the step to this status; none, outside of a trace."""
    upload, begun = _upload_context(conversion), _begin(conversion, after)
    if upload is None or begun is None:
        return ()
    return (
        *_tell_wait(conversion, after, upload, begun),
        *_tell_tries(conversion, after, upload, tuple(pods)),
        *_tell_whole(conversion, after, upload, begun),
    )


def _begin(conversion: VideoConversion, after: Status) -> datetime | None:
    """Return when the run began: with the object, or at the last moment that the one before had."""
    before = [run.finished_at for run in after.runs[:-1] if run.finished_at is not None]
    return before[-1] if before else conversion.metadata.creation_timestamp


def _upload_context(conversion: VideoConversion) -> TraceContext | None:
    return TraceContext.parse(conversion.metadata.annotations.get(TRACEPARENT_ANNOTATION))


def _tell_wait(
    conversion: VideoConversion, after: Status, upload: TraceContext, begun: datetime
) -> Iterator[PastSpan]:
    """From the beginning to the first Job."""
    tries = tries_of(after)
    if tries and not tries_of(conversion.status):
        uid, run = conversion.metadata.uid, run_of(after)
        context, span_id = upload.at(derive_span_id(uid, run)), derive_span_id(uid, run, "wait")
        end = max(begun, tries[0].started_at)
        yield PastSpan("wait for a place", context, span_id, begun, end)


def _tell_tries(
    conversion: VideoConversion, after: Status, upload: TraceContext, pods: tuple[Pod, ...]
) -> Iterator[PastSpan]:
    over = {one.number for one in tries_of(conversion.status) if one.finished_at is not None}
    run = (conversion.metadata.uid, run_of(after))
    context = upload.at(derive_span_id(*run))
    for one in tries_of(after):
        if one.finished_at is not None and one.number not in over:
            stages = _find_stages(pods, one.job)
            yield from _tell_try(run, context, one, one.finished_at, stages)


def _tell_whole(
    conversion: VideoConversion, after: Status, upload: TraceContext, begun: datetime
) -> Iterator[PastSpan]:
    """From the beginning to the outcome."""
    end = _outcome(after)
    if end is None or _outcome(conversion.status) is not None:
        return
    moment, reason = end
    name, run = conversion.metadata.name, run_of(after)
    about: Attributes = {
        "soundstrip.conversion": name,
        "soundstrip.run": run,
        "soundstrip.reason": reason,
    }
    span_id, end_at = derive_span_id(conversion.metadata.uid, run), max(begun, moment)
    yield PastSpan("conversion", upload, span_id, begun, end_at, about, _error(reason))


def _outcome(status: Status) -> tuple[datetime, str] | None:
    succeeded = status.condition("Succeeded")
    if succeeded is None or succeeded.status == "Unknown":
        return None
    return succeeded.last_transition_time, succeeded.reason


def _error(reason: str | None) -> str | None:
    return None if reason == Reason.SUCCEEDED else reason


def _tell_try(
    run: _RunKey, context: TraceContext, one: Try, finished: datetime, stages: Stages | None
) -> Iterator[PastSpan]:
    own = context.at(derive_span_id(*run, one.number))
    told = tuple(_tell_stages(run, own, one, stages)) if stages else ()
    end = max([one.started_at, finished, *(stage.end for stage in told)])
    about: Attributes = {"soundstrip.job": one.job, "soundstrip.reason": one.reason or ""}
    name, error = f"try {one.number}", _error(one.reason)
    yield PastSpan(name, context, own.span_id, one.started_at, end, about, error)
    yield from told


def _tell_stages(
    run: _RunKey, context: TraceContext, one: Try, stages: Stages
) -> Iterator[PastSpan]:
    """The mover's own account; what runs against the clock is left out."""
    moments = (stages.started, stages.fetched, stages.converted, stages.stored)
    for name, start, end in zip(("fetch", "convert", "store"), moments, moments[1:], strict=False):
        if start is None or end is None or not one.started_at <= start <= end:
            return
        span_id = derive_span_id(*run, one.number, name)
        yield PastSpan(name, context, span_id, start, end)


def _find_stages(pods: tuple[Pod, ...], job: str) -> Stages | None:
    for pod in pods:
        how = pod.ended(MOVER)
        if how is not None and pod.metadata.labels.get(JOB_NAME_LABEL) == job:
            return read_mover_report(how).stages
    return None
