"""Traces: what took how long, across services, for whoever collects them by OpenTelemetry.

Off by default. Nothing of OpenTelemetry is imported then, and a trace that a caller has begun is
still handed on. The context between two services is W3C's `traceparent`.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_SPAN_ID_LENGTH = 16

Attributes = Mapping[str, str | int]


class Role(Enum):
    """What a span is to its caller."""

    INTERNAL = "internal"
    SERVER = "server"
    CONSUMER = "consumer"


@dataclass(frozen=True)
class TraceContext:
    """A place in a trace, by W3C Trace Context; `flags` says whether the trace is recorded."""

    trace_id: str
    span_id: str
    flags: str = "01"

    @classmethod
    def parse(cls, traceparent: str | None) -> "TraceContext | None":
        """Return the place that a `traceparent` names; None if it is none."""
        match = _TRACEPARENT.fullmatch(traceparent or "")
        return cls(*match.groups()) if match else None

    def at(self, span_id: str) -> "TraceContext":
        """Return the place of another span of the same trace."""
        return replace(self, span_id=span_id)

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def derive_span_id(*words: str | int) -> str:
    """Return the id of the span that these words name, the same in every process and life."""
    name = "/".join(map(str, words))
    return hashlib.sha256(name.encode()).hexdigest()[:_SPAN_ID_LENGTH]


@dataclass
class OpenSpan:
    """A span that goes on; what is put in before its end is told with it."""

    context: TraceContext | None
    """Its place, for those who go on from here."""
    attributes: dict[str, str | int] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class PastSpan:
    """A span that is over, told by somebody who knows its times."""

    name: str
    parent: TraceContext
    span_id: str
    start: datetime
    end: datetime
    attributes: Attributes = field(default_factory=dict)
    error: str | None = None


class Tracing:
    """Tells nobody."""

    @contextmanager
    def span(
        self, name: str, parent: TraceContext | None, role: Role = Role.INTERNAL
    ) -> Iterator[OpenSpan]:
        """Measure the block; without a parent, a trace begins with it.

        An exception that leaves the block is told by its type alone: its text may be private.
        """
        yield OpenSpan(parent)

    def tell(self, span: PastSpan) -> None:
        """Take a span that is over."""

    def close(self) -> None:
        """Send what is not sent yet, within a few seconds."""


def open_tracing(service: str, endpoint: str | None, seconds: float = 3.0) -> Tracing:
    """Return what tells the collector at this OTLP/HTTP address; nobody, if there is no address.

    A collector that is away holds nobody longer than `seconds`; its spans are dropped.
    """
    if not endpoint:
        return Tracing()
    from soundstrip_service.exporting import ExportedTracing  # noqa: PLC0415 - it takes 0.6 s

    return ExportedTracing(service, endpoint, seconds)
