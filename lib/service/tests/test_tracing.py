import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from tests.traces import Collector

from soundstrip_service.tracing import (
    PastSpan,
    Role,
    TraceContext,
    Tracing,
    derive_span_id,
    open_tracing,
)

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"
PARENT = TraceContext(TRACE, SPAN)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def collector(httpserver: HTTPServer) -> Collector:
    return Collector(httpserver)


@pytest.fixture
def tracing(collector: Collector) -> Tracing:
    return open_tracing("gateway", collector.address, seconds=60)


def test_a_traceparent_is_read_and_written():
    assert TraceContext.parse(HEADER) == PARENT
    assert str(PARENT) == HEADER


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        HEADER.upper(),
        HEADER + "-more",
        HEADER + "\n",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        "x" * 100_000,
    ],
)
def test_what_is_no_traceparent_is_none(text: str | None):
    assert TraceContext.parse(text) is None


def test_a_span_begins_a_trace_or_goes_on_with_its_callers(collector: Collector, tracing: Tracing):
    with tracing.span("upload", None, Role.SERVER) as upload:
        upload.attributes["bytes"] = 3
    with tracing.span("deliver", upload.context, Role.CONSUMER):
        pass
    tracing.close()
    first, second = collector.named("upload"), collector.named("deliver")
    assert (first.service, first.parent_id, first.attributes) == ("gateway", "", {"bytes": 3})
    assert (second.trace_id, second.parent_id) == (first.trace_id, first.span_id)


def test_an_error_is_told_by_its_type_and_not_by_its_text(collector: Collector, tracing: Tracing):
    with pytest.raises(OSError, match="geheim"), tracing.span("upload", PARENT):
        raise OSError("geheim")
    tracing.close()
    assert collector.named("upload").error == "OSError"
    assert "geheim" not in repr(collector.spans)


def test_a_past_span_is_told_under_its_own_id_and_times(collector: Collector, tracing: Tracing):
    end = NOON + timedelta(microseconds=1_500_001)
    span_id = derive_span_id("uid", 1, 2)
    tracing.tell(PastSpan("try", PARENT, span_id, NOON, end, {"job": "j"}, "DiskFull"))
    tracing.close()
    told = collector.named("try")
    assert (told.trace_id, told.parent_id, told.span_id) == (TRACE, SPAN, span_id)
    assert (told.start, told.end) == pytest.approx((NOON.timestamp(), end.timestamp()), abs=1e-6)
    assert (told.attributes, told.error) == ({"job": "j"}, "DiskFull")


def test_a_trace_that_its_caller_does_not_record_is_not_told(
    collector: Collector, tracing: Tracing
):
    unrecorded = TraceContext(TRACE, SPAN, "00")
    tracing.tell(PastSpan("try", unrecorded, derive_span_id("a"), NOON, NOON))
    with tracing.span("deliver", unrecorded) as span:
        assert span.context is not None
        assert span.context.flags == "00"
    tracing.close()
    assert collector.spans == []


def test_a_collector_that_is_away_is_no_error():
    tracing = open_tracing("gateway", "http://127.0.0.1:1", seconds=0.1)
    with tracing.span("upload", None):
        pass
    tracing.close()


def test_without_a_collector_a_callers_trace_is_handed_on_and_no_sdk_is_loaded():
    program = f"""
import sys
from soundstrip_service.tracing import TraceContext, open_tracing
tracing = open_tracing("gateway", None)
with tracing.span("upload", TraceContext.parse("{HEADER}")) as span:
    print(span.context)
with tracing.span("upload", None) as span:
    print(span.context)
tracing.close()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [HEADER, "None", "[]"]
