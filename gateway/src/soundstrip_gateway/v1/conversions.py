"""Conversions: listed, shown, changed, run again, deleted."""

from functools import partial
from http import HTTPStatus

import flask
import msgspec

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.addresses import CONVERSION_ID
from soundstrip_gateway.callers import identify
from soundstrip_gateway.changes import ConversionPatch, charge_of_retry, plan_change, plan_retry
from soundstrip_gateway.editing import Plan, Request, edit_conversion, etag_of
from soundstrip_gateway.idempotency import ABOUT as KEYED
from soundstrip_gateway.idempotency import Made, Turn, read_request
from soundstrip_gateway.paging import Found, Listing
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import source_gone
from soundstrip_gateway.searches import ConversionQuery
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.v1.answers import (
    ETAG,
    IF_MATCH,
    MERGE_PATCH,
    answer_page,
    answer_state,
    answer_taken,
    describe_found,
    place_after,
)
from soundstrip_gateway.views import ConversionView
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    describe_route,
    read_json,
    read_query,
)


class ConversionPage(msgspec.Struct, rename="camel"):
    """Some of your conversions; `nextCursor` is null on the last page."""

    items: list[ConversionView]
    next_cursor: str | None


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
    {200: Answer("The conversion", ConversionView, ETAG), 304: Answer("What you have is it")},
    problems=(404,),
    parts=CONVERSION_ID,
    headers={"If-None-Match": "ETags"},
)
PATCH = Operation(
    "Suspend, cancel or reorder a conversion, or change how long it stays",
    "conversions",
    {200: Answer("The conversion", ConversionView, ETAG)},
    problems=(400, 404, 409, 412, 413, 415, 422),
    body=Body({MERGE_PATCH: ConversionPatch, "application/json": ConversionPatch}),
    parts=CONVERSION_ID,
    headers=IF_MATCH,
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
    views, one = _Views(parts), "/<conversion_id>"
    blueprint.get("")(views.index)
    blueprint.get(one)(views.show)
    blueprint.patch(one)(views.change)
    blueprint.post(f"{one}/retry")(views.retry)
    blueprint.delete(one)(views.delete)
    return blueprint


class _Views:
    """One method of one route each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(INDEX)
    def index(self) -> flask.Response:
        caller, wanted = self._identify(), read_query(ConversionQuery)
        order = wanted.order
        after = place_after(wanted.cursor, order)
        listing = Listing(wanted.criteria, order, after, wanted.limit)
        page = self._parts.conversions.page(caller, listing)
        items = [self._describe(found) for found in page.items]
        return answer_page(ConversionPage, items, page.next, order)

    @describe_route(SHOW)
    def show(self, conversion_id: str) -> flask.Response:
        found = self._parts.conversions.find(self._identify(), conversion_id)
        etag = etag_of(found.conversion.metadata)
        if flask.request.if_none_match.contains_weak(etag.strip('"')):
            return flask.Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        return answer_state(self._describe(found), found.conversion.metadata)

    @describe_route(PATCH)
    def change(self, conversion_id: str) -> flask.Response:
        caller, patch = self._identify(), read_json(ConversionPatch, MERGE_PATCH)
        request = Request(caller, conversion_id, flask.request.headers.get("If-Match"))
        conversion = self._edit(request, partial(plan_change, patch=patch))
        return answer_state(self._describe(Found(conversion)), conversion.metadata)

    @describe_route(RETRY)
    def retry(self, conversion_id: str) -> flask.Response:
        caller = self._identify()

        def make(_turn: Turn) -> Made:
            found = Found(self._run_again(caller, conversion_id))
            where = self._parts.addresses.conversion(found.conversion.metadata.name)
            return Made(answer_taken(self._describe(found), where))

        return self._parts.idempotency.run(read_request(caller), make)

    @describe_route(DELETE)
    def delete(self, conversion_id: str) -> flask.Response:
        caller = self._identify()
        for uid in self._parts.conversions.delete(caller, conversion_id):
            self._parts.links.forget(caller, uid)
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    def _identify(self) -> Caller:
        return identify(flask.request, self._parts.tokens)

    def _describe(self, found: Found) -> ConversionView:
        return describe_found(found, self._parts.addresses)

    def _edit(self, request: Request, plan: Plan) -> VideoConversion:
        return edit_conversion(self._parts.conversions, self._parts.cluster, request, plan)

    def _run_again(self, caller: Caller, conversion_id: str) -> VideoConversion:
        """Each run is charged: it takes what a conversion takes."""
        found = self._parts.conversions.find(caller, conversion_id)
        source = found.conversion.spec.source
        if self._parts.library.find_source(source.file_id, caller.id) is None:
            raise source_gone()
        if found.archived_at is None:
            plan_retry(found.conversion)  # what can't run again is refused before it is charged
        with self._parts.gate.hold_further(caller, [charge_of_retry(found.conversion)]):
            return self._edit(Request(caller, conversion_id), plan_retry)
