"""The REST interface, version 1."""

from http import HTTPStatus
from typing import assert_never

import flask
import msgspec

from soundstrip_gateway.callers import identify
from soundstrip_gateway.conversions import find_audio, find_conversion, list_conversions
from soundstrip_gateway.downloads import FILE_HEADERS, send_file
from soundstrip_gateway.paging import PageQuery, encode_cursor, parse_cursor
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import failed, unfinished
from soundstrip_gateway.uploads import read_upload
from soundstrip_gateway.views import (
    ConversionId,
    ConversionView,
    Failed,
    Ready,
    Underway,
    describe,
    judge,
)
from soundstrip_gateway.wishes import FIELDS, parse_wish
from soundstrip_service.operations import (
    Answer,
    Body,
    File,
    Operation,
    answer_json,
    describe_route,
    read_query,
)

_COLLECTION = "/v1/conversions"


class ConversionPage(msgspec.Struct, rename="camel"):
    """Some of your conversions; `nextCursor` is null on the last page."""

    items: list[ConversionView]
    next_cursor: str | None


UploadQuery = msgspec.defstruct(
    "UploadQuery",
    [("filename", str | None, None), *((name, kind | None, None) for name, kind in FIELDS.items())],
)
"""Words that go into the URL of an upload: as the fields of a form are."""

UploadForm = msgspec.defstruct(
    "UploadForm",
    [("file", File), *((name, kind | None, None) for name, kind in FIELDS.items())],
)
"""A form with the file and the same words beside it."""

_ID = {"conversion_id": ConversionId}

CREATE = Operation(
    "Upload a file and have it converted",
    "conversions",
    {202: Answer("Taken", ConversionView, {"Location": "where the conversion is"})},
    problems=(400, 403, 408, 413, 415, 422),
    query=UploadQuery,
    body=Body({"multipart/form-data": UploadForm, "video/*": None, "audio/*": None}),
)
INDEX = Operation(
    "List your conversions, newest first",
    "conversions",
    {200: Answer("A page", ConversionPage)},
    problems=(400, 422),
    query=PageQuery,
)
SHOW = Operation(
    "Get a conversion",
    "conversions",
    {200: Answer("The conversion", ConversionView)},
    problems=(404,),
    parts=_ID,
)
RESULT = Operation(
    "Download the audio",
    "conversions",
    {
        200: Answer("The audio", "*/*", FILE_HEADERS),
        206: Answer("A part of it", "*/*", FILE_HEADERS | {"Content-Range": "which part"}),
        304: Answer("What you have is still it"),
    },
    problems=(404, 409, 410, 416),
    parts=_ID,
    headers={"Range": "a single range of bytes", "If-Range": "an ETag", "If-None-Match": "ETags"},
)
DELETE = Operation(
    "Delete a conversion and its audio",
    "conversions",
    {204: Answer("It will be gone")},
    problems=(404,),
    parts=_ID,
)


def v1_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("v1", __name__)

    @blueprint.post(_COLLECTION)
    @describe_route(CREATE)
    def create() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        events = read_upload(flask.request, parts.max_upload)
        traceparent = flask.request.headers.get("traceparent")
        with parts.lanes.lane():
            conversion = parts.intake.take(
                events, caller, parse_wish, traceparent, flask.request.content_length
            )
        url = _url(conversion.metadata.name)
        return answer_json(describe(conversion, url), HTTPStatus.ACCEPTED, {"Location": url})

    @blueprint.get(_COLLECTION)
    @describe_route(INDEX)
    def index() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        wanted = read_query(PageQuery)
        after = parse_cursor(wanted.cursor)
        page = list_conversions(parts.cluster, caller, after, wanted.limit)
        items = [describe(c, _url(c.metadata.name)) for c in page.items]
        cursor = encode_cursor(page.next) if page.next else None
        return answer_json(ConversionPage(items, cursor))

    @blueprint.get(f"{_COLLECTION}/<conversion_id>")
    @describe_route(SHOW)
    def show(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        conversion = find_conversion(parts.cluster, caller, conversion_id)
        return answer_json(describe(conversion, _url(conversion.metadata.name)))

    @blueprint.get(f"{_COLLECTION}/<conversion_id>/result")
    @describe_route(RESULT)
    def result(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        outcome = judge(find_conversion(parts.cluster, caller, conversion_id))
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

    @blueprint.delete(f"{_COLLECTION}/<conversion_id>")
    @describe_route(DELETE)
    def delete(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        parts.cluster.delete(find_conversion(parts.cluster, caller, conversion_id))
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def _url(name: str) -> str:
    return f"{_COLLECTION}/{name}"
