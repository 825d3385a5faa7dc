"""A conversion's files: its audio, and what was uploaded."""

import flask

from soundstrip_gateway.addresses import CONVERSION_ID
from soundstrip_gateway.callers import identify
from soundstrip_gateway.conversions import find_audio, ready_result
from soundstrip_gateway.downloads import FILE_HEADERS, send_file
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import source_gone
from soundstrip_service.operations import Answer, Operation, describe_route

RANGE_HEADERS = {
    "Range": "a single range of bytes",
    "If-Range": "an ETag",
    "If-None-Match": "ETags",
}


def file_answers(what: str) -> dict[int, Answer]:
    """Return the answers to a download."""
    return {
        200: Answer(what, "*/*", FILE_HEADERS),
        206: Answer("A part of it", "*/*", FILE_HEADERS | {"Content-Range": "which part"}),
        304: Answer("What you have is still it"),
    }


RESULT = Operation(
    "Download the audio",
    "conversions",
    file_answers("The audio"),
    problems=(404, 409, 410, 416),
    parts=CONVERSION_ID,
    headers=RANGE_HEADERS,
)
SOURCE = Operation(
    "Download what you uploaded",
    "conversions",
    file_answers("The file"),
    problems=(404, 410, 416),
    parts=CONVERSION_ID,
    headers=RANGE_HEADERS,
)


def file_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("files", __name__, url_prefix="/conversions/<conversion_id>")

    @blueprint.get("/result")
    @describe_route(RESULT)
    def result(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        ready = ready_result(parts.conversions.find(caller, conversion_id))
        file = find_audio(parts.library, caller, ready)
        return parts.lanes.hold_until_sent(
            lambda: send_file(flask.request, file, parts.library.read)
        )

    @blueprint.get("/source")
    @describe_route(SOURCE)
    def source(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        uploaded = parts.conversions.find(caller, conversion_id).conversion.spec.source
        file = parts.library.find_source(uploaded.file_id, caller.id)
        if file is None:
            raise source_gone()
        return parts.lanes.hold_until_sent(
            lambda: send_file(flask.request, file, parts.library.read_source)
        )

    return blueprint
