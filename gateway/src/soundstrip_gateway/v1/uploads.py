"""Conversions made: of a file that comes along, or of one that is there."""

from collections.abc import Sequence
from functools import partial

import flask
import msgspec

from soundstrip_gateway.callers import identify
from soundstrip_gateway.further import FurtherOrder, Manner
from soundstrip_gateway.idempotency import ABOUT as KEYED
from soundstrip_gateway.idempotency import Made, Turn, answer_again, read_request
from soundstrip_gateway.intake import Delivery, never
from soundstrip_gateway.paging import Found
from soundstrip_gateway.parcels import hash_files
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.preferences import ABOUT as PREFERS
from soundstrip_gateway.preferences import REUSE, prefers_reuse
from soundstrip_gateway.promises import Promise
from soundstrip_gateway.refusals import other_files, unprocessable
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.uploads import read_upload
from soundstrip_gateway.v1.answers import answer_taken, describe_found
from soundstrip_gateway.views import ConversionView
from soundstrip_gateway.wishes import FIELDS, parse_wish
from soundstrip_service.operations import (
    Answer,
    Body,
    File,
    Operation,
    answer_json,
    describe_route,
    read_json,
)
from soundstrip_storage.requests import Done

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

_JSON = "application/json"
_PLACED = {"Location": "where the conversion is"}

CREATE = Operation(
    "Upload a file and have it converted, or have more made of one that you have uploaded",
    "conversions",
    {
        200: Answer("There already", ConversionView, _PLACED | {"Preference-Applied": "reuse"}),
        202: Answer("Taken", ConversionView, _PLACED),
    },
    problems=(400, 404, 408, 409, 410, 413, 415, 422),
    query=UploadQuery,
    body=Body(
        {
            "multipart/form-data": UploadForm,
            "video/*": None,
            "audio/*": None,
            _JSON: FurtherOrder,
        }
    ),
    headers=KEYED | PREFERS,
)


def upload_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("uploads", __name__, url_prefix="/conversions")

    @blueprint.post("")
    @describe_route(CREATE)
    def create() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        if flask.request.mimetype == _JSON:
            return _make_further(parts, caller)
        return _take_upload(parts, caller)

    return blueprint


def _take_upload(parts: Parts, caller: Caller) -> flask.Response:
    """The body is not read before it is known whether it is wanted."""
    request = flask.request
    sent = read_request(
        caller,
        request.mimetype,
        request.query_string,
        request.headers.get("Content-Disposition", ""),
        request.headers.get("Prefer", ""),
    )

    def make(turn: Turn) -> Made:
        if made := _resume(parts, caller, turn.promise):
            return made
        with parts.lanes.lane():
            taken = parts.intake.take(caller, _delivery(parts, caller, turn))
        found = [Found(conversion) for conversion in taken.conversions]
        return Made(_answer(parts, found, is_reused=taken.is_reused), taken.sha256)

    def replay(done: Done) -> flask.Response:
        _compare(parts, done.note)
        return answer_again(done)

    return parts.idempotency.run(sent, make, replay)


def _delivery(parts: Parts, caller: Caller, turn: Turn) -> Delivery:
    request = flask.request
    return Delivery(
        turn.keep_alive(read_upload(request, parts.max_upload)),
        parse_wish,
        request.content_length,
        request.headers.get("traceparent"),
        reuse=partial(parts.workshop.reuse, caller) if prefers_reuse(request) else never,
        keep=turn.keep,
    )


def _resume(parts: Parts, caller: Caller, promise: Promise | None) -> Made | None:
    """Return what an earlier try has made of the same file, if anything came of it."""
    if promise is None:
        return None
    parts.take_up.take(promise.file_id)
    looked = [parts.conversions.look(caller.id, name) for name in promise.names]
    found = [one for one in looked if one is not None]
    if not found:
        return None
    _compare(parts, promise.digest)
    return Made(_answer(parts, found, is_reused=False), promise.digest)


def _compare(parts: Parts, sha256: str) -> None:
    with parts.lanes.lane():
        if list(hash_files(read_upload(flask.request, parts.max_upload))) != [sha256]:
            raise other_files()


def _make_further(parts: Parts, caller: Caller) -> flask.Response:
    if flask.request.args:
        raise unprocessable("With JSON, all is said in the body, and nothing in the URL.")
    order = read_json(FurtherOrder)
    sent = read_request(caller, msgspec.json.encode(order), flask.request.headers.get("Prefer", ""))

    def make(turn: Turn) -> Made:
        traceparent = flask.request.headers.get("traceparent")
        manner = Manner(prefers_reuse(flask.request), turn.is_resumed, traceparent)
        made = parts.workshop.make(caller, order, manner)
        is_reused = all(one.is_reused for one in made)
        return Made(_answer(parts, [one.found for one in made], is_reused=is_reused))

    return parts.idempotency.run(sent, make)


def _answer(parts: Parts, found: Sequence[Found], *, is_reused: bool) -> flask.Response:
    first, *others = [describe_found(one, parts.addresses) for one in found]
    where = parts.addresses.conversion(first.id)
    view = msgspec.structs.replace(first, further=others)
    if is_reused:
        return answer_json(view, headers={"Location": where, "Preference-Applied": REUSE})
    return answer_taken(view, where)
