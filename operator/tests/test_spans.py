"""Claims about what a conversion adds to the trace that it was created in."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.conversions import (
    NOW,
    Body,
    accepted_status,
    before,
    condition,
    conversion,
    ended,
    one_try,
    pod,
)

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import TRACEPARENT_ANNOTATION
from soundstrip_operator.announcements import finished_event
from soundstrip_operator.spans import conversion_context, spans_of_step
from soundstrip_service.tracing import PastSpan

TRACE, UPLOAD = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{UPLOAD}-01"
STAGES = {
    "started": before(115),
    "fetched": before(110),
    "converted": before(104),
    "stored": before(102),
}


def traced(status: Body, traceparent: str | None = HEADER) -> VideoConversion:
    annotations = {TRACEPARENT_ANNOTATION: traceparent} if traceparent else {}
    created = {"creationTimestamp": before(150), "annotations": annotations}
    return conversion(metadata=created, status=status)


def over(reason: str) -> Body:
    status = accepted_status(one_try(reason=reason))
    value = "True" if reason == "Succeeded" else "False"
    status["conditions"][1:] = [
        condition("Succeeded", value, reason, lastTransitionTime=before(100)),
        condition("Finished", "True", reason, lastTransitionTime=before(100)),
    ]
    return status


def tell(old: Body, new: Body, *pods: Any, traceparent: str | None = HEADER) -> list[PastSpan]:
    return list(spans_of_step(traced(old, traceparent), traced(new).status, pods))


def seconds(span: PastSpan) -> tuple[float, float]:
    def ago(moment: datetime) -> float:
        return (NOW - moment).total_seconds()

    return ago(span.start), ago(span.end)


def words(stages: Body) -> str:
    return msgspec.json.encode({"stages": stages}).decode()


def test_the_wait_is_over_with_the_first_job():
    (wait,) = tell(accepted_status(), accepted_status(one_try(ended=100)))
    assert (wait.name, seconds(wait)) == ("wait for a place", (150, 120))
    assert tell(accepted_status(one_try()), accepted_status(one_try())) == []


def test_the_end_tells_the_try_with_its_stages_and_the_whole():
    done = pod(ended(0, "Completed", words(STAGES)), ended(0))
    spans = tell(accepted_status(one_try()), over("Succeeded"), done)
    assert {span.name: seconds(span) for span in spans} == {
        "try 1": (120, 100),
        "fetch": (115, 110),
        "convert": (110, 104),
        "store": (104, 102),
        "conversion": (150, 100),
    }
    assert {span.error for span in spans} == {None}


def test_spans_hang_together_whoever_tells_them():
    wait, *_ = tell(accepted_status(), accepted_status(one_try(ended=100)))
    done = pod(ended(0, "Completed", words(STAGES)), ended(0))
    first, *stages, whole = tell(accepted_status(one_try()), over("Succeeded"), done)
    assert {span.parent.trace_id for span in (wait, first, *stages, whole)} == {TRACE}
    assert whole.parent.span_id == UPLOAD
    assert wait.parent.span_id == first.parent.span_id == whole.span_id
    assert {stage.parent.span_id for stage in stages} == {first.span_id}
    assert len({span.span_id for span in (wait, first, *stages, whole)}) == 6


def test_the_event_of_the_end_goes_on_with_the_conversions_span():
    context = conversion_context(traced(over("Succeeded")))
    event = finished_event(traced(over("Succeeded")), None)
    assert event.traceparent == str(context)
    untraced = finished_event(traced(over("Succeeded"), None), None)
    assert b"traceparent" not in msgspec.json.encode(untraced)


def test_a_failed_try_says_why_and_a_retry_leaves_the_conversion_open():
    (failed,) = tell(accepted_status(one_try()), accepted_status(one_try(reason="DiskFull")))
    assert (failed.name, failed.error) == ("try 1", "DiskFull")
    *_, whole = tell(accepted_status(one_try(reason="DiskFull")), over("DiskFull"))
    assert (whole.name, whole.error) == ("conversion", "DiskFull")


@pytest.mark.parametrize(
    "stages",
    [
        {"started": before(1000), "fetched": before(990)},
        {"started": before(110), "fetched": before(115)},
        {"started": before(110)},
    ],
)
def test_stages_that_run_against_the_clock_are_left_out(stages: Body):
    done = pod(ended(20, "Error", words(stages)), ended(23))
    spans = tell(accepted_status(one_try()), accepted_status(one_try(reason="DiskFull")), done)
    assert [span.name for span in spans] == ["try 1"]


@pytest.mark.parametrize("traceparent", [None, "", "nonsense", HEADER + "\n"])
def test_outside_of_a_trace_nothing_is_told(traceparent: str | None):
    steps = [
        (accepted_status(), accepted_status(one_try())),
        (accepted_status(one_try()), over("Succeeded")),
    ]
    assert [span for old, new in steps for span in tell(old, new, traceparent=traceparent)] == []
