"""A user's API keys."""

from datetime import datetime, timedelta
from http import HTTPStatus

import flask

from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import NewApiKey, read_body
from soundstrip_auth.callers import identify_person
from soundstrip_auth.ids import Id
from soundstrip_auth.parts import Parts
from soundstrip_auth.problems import forbidden, not_found, unprocessable
from soundstrip_auth.users import is_admin
from soundstrip_auth.views import ApiKeys, ApiKeyView, answer_nothing
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
)
from soundstrip_service.scopes import make_api_key

_LONGEST = timedelta(days=3653)

CREATE = Operation(
    "Make an API key",
    "keys",
    {201: Answer("The key, which is not told again", ApiKeyView)},
    problems=(400, 409, 413, 415, 422),
    body=Body({"application/json": NewApiKey}),
)
INDEX = Operation("List your API keys", "keys", {200: Answer("All of them", ApiKeys)})
DELETE = Operation(
    "Delete one of your API keys",
    "keys",
    {204: Answer("Deleted; the gateway knows within ACCESS_TOKEN_SECONDS")},
    problems=(404,),
    parts={"key_id": Id},
)


def api_key_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    routes = flask.Blueprint("api_keys", __name__)

    @routes.post("/v1/api-keys")
    @describe_route(CREATE)
    def create() -> flask.Response:
        caller = identify_person(parts)
        body = read_body(NewApiKey)
        _check_end(body.expires_at, parts.clock())
        if not is_admin(caller.user.role) and any(scope.is_for_admins for scope in body.scopes):
            raise forbidden("Only an admin's API keys can have the scopes that begin with admin.")
        key = make_api_key()
        scopes = frozenset(body.scopes)
        made = parts.api_keys.add(caller.user.id, key, body.name, scopes, body.expires_at)
        parts.audit.record(Action.API_KEY_MADE, caller.user.id, made.id)
        return answer_json(ApiKeyView.of(made, key), HTTPStatus.CREATED)

    @routes.get("/v1/api-keys")
    @describe_route(INDEX)
    def index() -> flask.Response:
        caller = identify_person(parts)
        keys = [ApiKeyView.of(key) for key in parts.api_keys.of(caller.user.id)]
        return answer_json(ApiKeys(keys))

    @routes.delete("/v1/api-keys/<id:key_id>")
    @describe_route(DELETE)
    def delete(key_id: str) -> flask.Response:
        caller = identify_person(parts)
        if not parts.api_keys.remove(caller.user.id, key_id):
            raise not_found("You have no API key with this id.")
        parts.audit.record(Action.API_KEY_DELETED, caller.user.id, key_id)
        return answer_nothing()

    return routes


def _check_end(moment: datetime | None, now: datetime) -> None:
    if moment is not None and not now < moment <= now + _LONGEST:
        raise unprocessable("expiresAt is in the past, or more than ten years away.")
