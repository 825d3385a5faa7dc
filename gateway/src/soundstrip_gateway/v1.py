"""The REST interface, version 1."""

from http import HTTPStatus
from typing import assert_never

import flask

from soundstrip_gateway.callers import identify
from soundstrip_gateway.conversions import find_audio, find_conversion, list_conversions
from soundstrip_gateway.downloads import send_file
from soundstrip_gateway.paging import encode_cursor, parse_cursor, parse_limit
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import failed, unfinished
from soundstrip_gateway.uploads import read_upload
from soundstrip_gateway.views import Failed, Ready, Underway, describe, judge
from soundstrip_gateway.wishes import parse_wish

_COLLECTION = "/v1/conversions"


def v1_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("v1", __name__)

    @blueprint.post(_COLLECTION)
    def create() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        events = read_upload(flask.request, parts.max_upload)
        traceparent = flask.request.headers.get("traceparent")
        with parts.lanes.lane():
            conversion = parts.intake.take(events, caller, parse_wish, traceparent)
        url = _url(conversion.metadata.name)
        answer = flask.jsonify(describe(conversion, url))
        answer.status_code = HTTPStatus.ACCEPTED
        answer.headers["Location"] = url
        return answer

    @blueprint.get(_COLLECTION)
    def index() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        after = parse_cursor(flask.request.args.get("cursor"))
        limit = parse_limit(flask.request.args.get("limit"))
        page = list_conversions(parts.cluster, caller, after, limit)
        items = [describe(c, _url(c.metadata.name)) for c in page.items]
        cursor = encode_cursor(page.next) if page.next else None
        return flask.jsonify(items=items, nextCursor=cursor)

    @blueprint.get(f"{_COLLECTION}/<text>")
    def show(text: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        conversion = find_conversion(parts.cluster, caller, text)
        return flask.jsonify(describe(conversion, _url(conversion.metadata.name)))

    @blueprint.get(f"{_COLLECTION}/<text>/result")
    def result(text: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        outcome = judge(find_conversion(parts.cluster, caller, text))
        match outcome:
            case Ready():
                file = find_audio(parts.library, caller, outcome.result)
                return parts.lanes.hold_until_sent(
                    lambda: send_file(flask.request, file, parts.library.read)
                )
            case Underway():
                raise unfinished(outcome)
            case Failed():
                raise failed(outcome)
            case _:
                assert_never(outcome)

    @blueprint.delete(f"{_COLLECTION}/<text>")
    def delete(text: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        parts.cluster.delete(find_conversion(parts.cluster, caller, text))
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def _url(name: str) -> str:
    return f"{_COLLECTION}/{name}"
