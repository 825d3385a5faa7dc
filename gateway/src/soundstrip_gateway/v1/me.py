"""The caller."""

import flask

from soundstrip_gateway.callers import identify
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.standing import Me, describe_caller
from soundstrip_service.operations import Answer, Operation, answer_json, describe_route

SHOW = Operation("Who you are, what you may have and what you have", "me", {200: Answer("You", Me)})


def me_routes(parts: Parts) -> flask.Blueprint:
    """Return the route."""
    blueprint = flask.Blueprint("me", __name__)

    @blueprint.get("/me")
    @describe_route(SHOW)
    def show() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        told = describe_caller(
            caller, parts.gate.quota_of(caller), parts.conversions, parts.library
        )
        return answer_json(told, headers={"Cache-Control": "no-store"})

    return blueprint
