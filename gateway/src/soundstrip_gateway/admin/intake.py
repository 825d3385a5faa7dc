"""`/v1/admin/intake`: whether new work is taken in."""

from datetime import UTC, datetime
from typing import Annotated

import flask
import msgspec
from msgspec import Meta

from soundstrip_gateway.admin.acts import TAG, identify_admin, record
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.valve import IntakeState
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_json,
)


class IntakeView(msgspec.Struct, rename="camel"):
    """Whether new work is refused; what runs goes on."""

    paused: bool
    reason: str
    by: str | None
    at: datetime | None


class IntakeWish(msgspec.Struct, forbid_unknown_fields=True):
    """Pause the intake, or go on; the reason is told to whoever is refused."""

    paused: bool
    reason: Annotated[str, Meta(max_length=200)] = ""


SHOW_INTAKE = Operation(
    "Say whether new work is taken in",
    TAG,
    {200: Answer("What holds", IntakeView)},
    problems=(403,),
)
PUT_INTAKE = Operation(
    "Pause the intake, or go on",
    TAG,
    {200: Answer("What holds now", IntakeView)},
    problems=(400, 403, 415, 422),
    body=Body({"application/json": IntakeWish}),
)


def intake_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("admin_intake", __name__, url_prefix="/v1/admin")

    @blueprint.get("/intake")
    @describe_route(SHOW_INTAKE)
    def show_intake() -> flask.Response:
        identify_admin(parts)
        return answer_json(_describe_intake(parts.office.valve.state()))

    @blueprint.put("/intake")
    @describe_route(PUT_INTAKE)
    def put_intake() -> flask.Response:
        admin = identify_admin(parts)
        wish = read_json(IntakeWish)
        action = "intake.pause" if wish.paused else "intake.resume"
        record(parts, admin, action, "intake", {"reason": wish.reason})
        state = IntakeState(wish.paused, wish.reason, admin.id, datetime.now(UTC))
        return answer_json(_describe_intake(parts.office.valve.turn(state)))

    return blueprint


def _describe_intake(state: IntakeState) -> IntakeView:
    return IntakeView(state.paused, state.reason, state.by, state.at)
