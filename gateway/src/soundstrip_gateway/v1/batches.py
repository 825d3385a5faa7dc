"""Batches: many uploads that are converted together."""

from http import HTTPStatus

import flask
import msgspec
from msgspec import UNSET, UnsetType

from soundstrip_crds.batch import ConversionBatch
from soundstrip_gateway.batches import (
    BatchOrder,
    BatchPatch,
    BatchView,
    describe_batch,
    plan_batch_change,
)
from soundstrip_gateway.callers import identify
from soundstrip_gateway.editing import check_match, edit, etag_of
from soundstrip_gateway.idempotency import ABOUT as KEYED
from soundstrip_gateway.idempotency import Made, Turn, read_request
from soundstrip_gateway.paging import encode_cursor, parse_cursor
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.searches import DEFAULT_LIMIT, BatchId, Cursor, Limit
from soundstrip_gateway.v1.addresses import CONVERSIONS, MERGE_PATCH, batch_url
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_json,
    read_query,
)
from soundstrip_storage.history import Order


class PageQuery(msgspec.Struct):
    """Which page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | UnsetType = UNSET


class BatchPage(msgspec.Struct, rename="camel"):
    """Some of your batches; `nextCursor` is null on the last page."""

    items: list[BatchView]
    next_cursor: str | None


_ID = {"batch_id": BatchId}
_ETAG = {"ETag": "of this state of it"}

CREATE = Operation(
    "Convert many uploads together",
    "batches",
    {202: Answer("Taken", BatchView, {"Location": "where the batch is"})},
    problems=(400, 404, 409, 410, 413, 415, 422),
    body=Body({"application/json": BatchOrder}),
    headers=KEYED,
)
INDEX = Operation(
    "List your batches, newest first",
    "batches",
    {200: Answer("A page", BatchPage)},
    problems=(400, 422),
    query=PageQuery,
)
SHOW = Operation(
    "Get a batch",
    "batches",
    {200: Answer("The batch", BatchView, _ETAG)},
    problems=(404,),
    parts=_ID,
)
PATCH = Operation(
    "Suspend, cancel or reorder a batch",
    "batches",
    {200: Answer("The batch", BatchView, _ETAG)},
    problems=(400, 404, 412, 413, 415, 422),
    body=Body({MERGE_PATCH: BatchPatch, "application/json": BatchPatch}),
    parts=_ID,
    headers={"If-Match": "the ETag that it must have still"},
)
DELETE = Operation(
    "Delete a batch and its conversions; those that have expired stay in the archive",
    "batches",
    {204: Answer("It will be gone")},
    problems=(404,),
    parts=_ID,
)


def batch_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("batches", __name__, url_prefix="/batches")

    @blueprint.post("")
    @describe_route(CREATE)
    def create() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        order = read_json(BatchOrder)
        sent = read_request(caller, msgspec.json.encode(order))

        def make(_turn: Turn) -> Made:
            batch = parts.batches.make(caller, order, sent.key or "")
            headers = {"Location": batch_url(batch.metadata.name)}
            return Made(answer_json(_show(batch), HTTPStatus.ACCEPTED, headers))

        return parts.idempotency.run(sent, make)

    @blueprint.get("")
    @describe_route(INDEX)
    def index() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        wanted, order = read_query(PageQuery), Order()
        after = parse_cursor(wanted.cursor or None, order)
        found, following = parts.batches.page(caller, order, after, wanted.limit)
        cursor = encode_cursor(following, order) if following else None
        return answer_json(BatchPage([_show(batch) for batch in found], cursor))

    @blueprint.get("/<batch_id>")
    @describe_route(SHOW)
    def show(batch_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        batch = parts.batches.find(caller, batch_id)
        return answer_json(_show(batch), headers={"ETag": etag_of(batch.metadata)})

    @blueprint.patch("/<batch_id>")
    @describe_route(PATCH)
    def change(batch_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        spec = plan_batch_change(read_json(BatchPatch, MERGE_PATCH))
        if_match = flask.request.headers.get("If-Match")

        def attempt() -> ConversionBatch | None:
            found = parts.batches.find(caller, batch_id)
            check_match(found.metadata, if_match)
            version = found.metadata.resource_version
            patch = parts.cluster.batches.patch
            return patch(found.metadata.name, {"spec": spec}, version) if spec else found

        batch = edit(attempt, if_match, "batch")
        return answer_json(_show(batch), headers={"ETag": etag_of(batch.metadata)})

    @blueprint.delete("/<batch_id>")
    @describe_route(DELETE)
    def delete(batch_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        parts.cluster.batches.delete(parts.batches.find(caller, batch_id).metadata)
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def _show(batch: ConversionBatch) -> BatchView:
    name = batch.metadata.name
    return describe_batch(batch, batch_url(name), f"{CONVERSIONS}?batch={name}")
