"""`/v1/admin/audit`: what administrators did."""

from datetime import datetime
from typing import Annotated, Any

import flask
import msgspec
from msgspec import Meta

from soundstrip_gateway.admin.acts import TAG, identify_admin
from soundstrip_gateway.parts import Parts
from soundstrip_service.operations import (
    Answer,
    Operation,
    answer_json,
    describe_route,
    read_query,
)


class AuditEntry(msgspec.Struct, rename="camel"):
    """One act of an administrator."""

    at: datetime
    actor: str
    name: str
    action: str
    target: str
    detail: dict[str, Any]
    request_id: str | None
    address: str | None


class AuditPage(msgspec.Struct):
    """The newest entries."""

    items: list[AuditEntry]


class AuditQuery(msgspec.Struct):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


AUDIT = Operation(
    "Read what administrators did",
    TAG,
    {200: Answer("The newest first", AuditPage)},
    problems=(400, 403),
    query=AuditQuery,
)


def trail_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("admin_audit", __name__, url_prefix="/v1/admin")

    @blueprint.get("/audit")
    @describe_route(AUDIT)
    def show_audit() -> flask.Response:
        identify_admin(parts)
        entries = parts.office.audit.latest(read_query(AuditQuery).limit)
        return answer_json(AuditPage([msgspec.convert(entry, AuditEntry) for entry in entries]))

    return blueprint
