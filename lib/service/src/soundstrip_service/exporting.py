"""Traces by OpenTelemetry's SDK, over OTLP/HTTP. Imported only where tracing is on.

The SDK reads the other variables of its specification by itself: OTEL_EXPORTER_OTLP_HEADERS,
OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and so on.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from soundstrip_service.tracing import Attributes, OpenSpan, PastSpan, Role, TraceContext, Tracing

_KINDS = {
    Role.INTERNAL: SpanKind.INTERNAL,
    Role.SERVER: SpanKind.SERVER,
    Role.CONSUMER: SpanKind.CONSUMER,
}


class ExportedTracing(Tracing):
    """Tells a collector, in the background."""

    def __init__(self, service: str, endpoint: str, seconds: float) -> None:
        self._service = service
        self._seconds = seconds
        self._url = f"{endpoint.rstrip('/')}/v1/traces"
        self._ids = _Ids()
        self._lock = threading.Lock()
        self._provider: TracerProvider | None = None

    @contextmanager
    def span(
        self, name: str, parent: TraceContext | None, role: Role = Role.INTERNAL
    ) -> Iterator[OpenSpan]:
        """Measure the block, and tell it."""
        tracer = self._open().get_tracer(self._service)
        told = tracer.start_span(name, _context(parent), _KINDS[role])
        span = OpenSpan(_place(told.get_span_context()))
        try:
            yield span
        except Exception as error:
            span.error = type(error).__name__
            raise
        finally:
            _describe(told, span.attributes, span.error)
            told.end()

    def tell(self, span: PastSpan) -> None:
        """Tell it under its own id."""
        tracer = self._open().get_tracer(self._service)
        with self._ids.next(int(span.span_id, 16)):
            told = tracer.start_span(
                span.name, _context(span.parent), start_time=_nanoseconds(span.start)
            )
        _describe(told, span.attributes, span.error)
        told.end(_nanoseconds(span.end))

    def close(self) -> None:
        """Send what is not sent yet."""
        with self._lock:
            if self._provider is not None:
                self._provider.shutdown()

    def _open(self) -> TracerProvider:
        """The thread that sends begins with the first span: gunicorn forks before that."""
        with self._lock:
            if self._provider is None:
                resource = Resource.create({SERVICE_NAME: self._service})
                self._provider = TracerProvider(resource=resource, id_generator=self._ids)
                exporter = OTLPSpanExporter(self._url, timeout=self._seconds)
                self._provider.add_span_processor(BatchSpanProcessor(exporter))
            return self._provider


class _Ids(RandomIdGenerator):
    """Random ids, unless the next one was said."""

    def __init__(self) -> None:
        self._next: ContextVar[int | None] = ContextVar("span_id", default=None)

    @contextmanager
    def next(self, span_id: int) -> Iterator[None]:
        token = self._next.set(span_id)
        try:
            yield
        finally:
            self._next.reset(token)

    def generate_span_id(self) -> int:
        return self._next.get() or super().generate_span_id()


def _context(parent: TraceContext | None) -> Context:
    if parent is None:
        return Context()
    place = SpanContext(
        trace_id=int(parent.trace_id, 16),
        span_id=int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent.flags, 16)),
    )
    return set_span_in_context(NonRecordingSpan(place), Context())


def _place(context: SpanContext) -> TraceContext:
    return TraceContext(
        f"{context.trace_id:032x}", f"{context.span_id:016x}", f"{context.trace_flags:02x}"
    )


def _describe(span: Span, attributes: Attributes, error: str | None) -> None:
    span.set_attributes(dict(attributes))
    if error is not None:
        span.set_status(Status(StatusCode.ERROR, error))


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000
