"""Conversions: listed, shown, changed, run again, deleted."""

from functools import partial
from http import HTTPStatus

import flask
import msgspec

from soundstrip_gateway.callers import identify
from soundstrip_gateway.changes import ConversionPatch, plan_change, plan_retry
from soundstrip_gateway.editing import Request, edit_conversion, etag_of
from soundstrip_gateway.idempotency import ABOUT as KEYED
from soundstrip_gateway.idempotency import Made, Turn, read_request
from soundstrip_gateway.paging import Found, Listing, encode_cursor, parse_cursor
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import source_gone
from soundstrip_gateway.searches import ConversionQuery
from soundstrip_gateway.v1.addresses import CONVERSION_ID, MERGE_PATCH, conversion_url
from soundstrip_gateway.views import ConversionView, describe
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_json,
    read_query,
)


class ConversionPage(msgspec.Struct, rename="camel"):
    """Some of your conversions; `nextCursor` is null on the last page."""

    items: list[ConversionView]
    next_cursor: str | None


_ETAG = {"ETag": "of this state of it"}

INDEX = Operation(
    "List your conversions, newest first, also those that have expired",
    "conversions",
    {200: Answer("A page", ConversionPage)},
    problems=(400, 422),
    query=ConversionQuery,
)
SHOW = Operation(
    "Get a conversion",
    "conversions",
    {200: Answer("The conversion", ConversionView, _ETAG), 304: Answer("What you have is it")},
    problems=(404,),
    parts=CONVERSION_ID,
    headers={"If-None-Match": "ETags"},
)
PATCH = Operation(
    "Suspend, cancel or reorder a conversion, or change how long it stays",
    "conversions",
    {200: Answer("The conversion", ConversionView, _ETAG)},
    problems=(400, 404, 409, 412, 413, 415, 422),
    body=Body({MERGE_PATCH: ConversionPatch, "application/json": ConversionPatch}),
    parts=CONVERSION_ID,
    headers={"If-Match": "the ETag that it must have still"},
)
RETRY = Operation(
    "Run a conversion again that failed or was cancelled",
    "conversions",
    {202: Answer("It will run", ConversionView, {"Location": "where the conversion is"})},
    problems=(400, 404, 409, 410, 422),
    parts=CONVERSION_ID,
    headers=KEYED,
)
DELETE = Operation(
    "Delete a conversion, its audio, and its upload if nothing else needs it",
    "conversions",
    {204: Answer("It will be gone")},
    problems=(404,),
    parts=CONVERSION_ID,
)


def conversion_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("conversions", __name__, url_prefix="/conversions")

    @blueprint.get("")
    @describe_route(INDEX)
    def index() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        wanted = read_query(ConversionQuery)
        order = wanted.order
        after = parse_cursor(wanted.cursor or None, order)
        listing = Listing(wanted.criteria, order, after, wanted.limit)
        page = parts.conversions.page(caller, listing)
        cursor = encode_cursor(page.next, order) if page.next else None
        return answer_json(ConversionPage([show_found(found) for found in page.items], cursor))

    @blueprint.get("/<conversion_id>")
    @describe_route(SHOW)
    def show(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        found = parts.conversions.find(caller, conversion_id)
        etag = etag_of(found.conversion.metadata)
        if flask.request.if_none_match.contains_weak(etag.strip('"')):
            return flask.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        return answer_json(show_found(found), headers={"ETag": etag})

    @blueprint.patch("/<conversion_id>")
    @describe_route(PATCH)
    def change(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        patch = read_json(ConversionPatch, MERGE_PATCH)
        request = Request(caller, conversion_id, flask.request.headers.get("If-Match"))
        plan = partial(plan_change, patch=patch)
        conversion = edit_conversion(parts.conversions, parts.cluster, request, plan)
        return answer_json(
            show_found(Found(conversion)), headers={"ETag": etag_of(conversion.metadata)}
        )

    @blueprint.post("/<conversion_id>/retry")
    @describe_route(RETRY)
    def retry(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        sent = read_request(caller)

        def make(_turn: Turn) -> Made:
            source = parts.conversions.find(caller, conversion_id).conversion.spec.source
            if parts.library.find_source(source.file_id, caller.id) is None:
                raise source_gone()
            request = Request(caller, conversion_id)
            conversion = edit_conversion(parts.conversions, parts.cluster, request, plan_retry)
            headers = {"Location": conversion_url(conversion.metadata.name)}
            view = show_found(Found(conversion))
            return Made(answer_json(view, HTTPStatus.ACCEPTED, headers))

        return parts.idempotency.run(sent, make)

    @blueprint.delete("/<conversion_id>")
    @describe_route(DELETE)
    def delete(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        for uid in parts.conversions.delete(caller, conversion_id):
            parts.links.forget(caller, uid)
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def show_found(found: Found) -> ConversionView:
    """Return the JSON of a conversion, wherever it is."""
    conversion = found.conversion
    return describe(conversion, conversion_url(conversion.metadata.name), found.archived_at)
