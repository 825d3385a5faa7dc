"""A collector of traces, as OpenTelemetry's exporters see one."""

from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


@dataclass(frozen=True)
class Told:
    """A span that was told; times in seconds since 1970, `error` is empty if there was none."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: float
    end: float
    attributes: dict[str, str | int]
    error: str


class Collector:
    """Takes what is told over OTLP/HTTP in protobuf."""

    def __init__(self, server: HTTPServer) -> None:
        self.address = f"http://{server.host}:{server.port}"
        self.spans: list[Told] = []
        request = server.expect_request("/v1/traces", method="POST")
        request.respond_with_handler(self._take)

    def named(self, name: str) -> Told:
        """Return the one span of this name."""
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def _take(self, request: Request) -> Response:
        told = ExportTraceServiceRequest.FromString(request.get_data())
        for resource in told.resource_spans:
            service = str(_attributes(resource.resource)["service.name"])
            for scope in resource.scope_spans:
                self.spans += [_read(service, span) for span in scope.spans]
        answer = ExportTraceServiceResponse().SerializeToString()
        return Response(answer, content_type="application/x-protobuf")


def _read(service: str, span: Any) -> Told:
    return Told(
        service=service,
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start=span.start_time_unix_nano / 1e9,
        end=span.end_time_unix_nano / 1e9,
        attributes=_attributes(span),
        error=span.status.message,
    )


def _attributes(of: Any) -> dict[str, str | int]:
    values = {pair.key: pair.value for pair in of.attributes}
    return {key: getattr(value, value.WhichOneof("value")) for key, value in values.items()}
