"""Batches: many uploads that are converted together."""

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

import flask
import msgspec
from msgspec import UNSET, UnsetType

from soundstrip_crds.batch import MOST_ITEMS, ConversionBatch
from soundstrip_gateway.batch_orders import BatchForm, BatchOrder, BatchPatch, plan_batch_change
from soundstrip_gateway.batches import BatchView, describe_batch
from soundstrip_gateway.callers import identify
from soundstrip_gateway.editing import Goal, edit_object
from soundstrip_gateway.forms import Event
from soundstrip_gateway.idempotency import ABOUT as KEYED
from soundstrip_gateway.idempotency import Made, Turn, answer_again, read_request
from soundstrip_gateway.parcels import hash_files
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.promises import Promise
from soundstrip_gateway.refusals import other_files, unprocessable
from soundstrip_gateway.searches import DEFAULT_LIMIT, BatchId, Cursor, Limit
from soundstrip_gateway.shipments import Shipment, digest_files
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.uploads import is_form, read_form_upload
from soundstrip_gateway.v1.answers import (
    ETAG,
    IF_MATCH,
    MERGE_PATCH,
    answer_page,
    answer_state,
    answer_taken,
    place_after,
)
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    describe_route,
    read_json,
    read_query,
)
from soundstrip_storage.history import Order
from soundstrip_storage.requests import Done


class PageQuery(msgspec.Struct):
    """Which page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor | UnsetType = UNSET


class BatchPage(msgspec.Struct, rename="camel"):
    """Some of your batches; `nextCursor` is null on the last page."""

    items: list[BatchView]
    next_cursor: str | None


_ID = {"batch_id": BatchId}

CREATE = Operation(
    "Upload many files and have them converted together, or some that you have uploaded",
    "batches",
    {202: Answer("Taken", BatchView, {"Location": "where the batch is"})},
    problems=(400, 404, 408, 409, 410, 413, 415, 422),
    body=Body({"application/json": BatchOrder, "multipart/form-data": BatchForm}),
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
    {200: Answer("The batch", BatchView, ETAG)},
    problems=(404,),
    parts=_ID,
)
PATCH = Operation(
    "Suspend, cancel or reorder a batch",
    "batches",
    {200: Answer("The batch", BatchView, ETAG)},
    problems=(400, 404, 412, 413, 415, 422),
    body=Body({MERGE_PATCH: BatchPatch, "application/json": BatchPatch}),
    parts=_ID,
    headers=IF_MATCH,
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
    views, one = _Views(parts), "/<batch_id>"
    blueprint.post("")(views.create)
    blueprint.get("")(views.index)
    blueprint.get(one)(views.show)
    blueprint.patch(one)(views.change)
    blueprint.delete(one)(views.delete)
    return blueprint


class _Views:
    """One method of one route each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(CREATE)
    def create(self) -> flask.Response:
        caller = self._identify()
        if is_form(flask.request):
            return self._take_files(caller)
        order = read_json(BatchOrder)
        sent = read_request(caller, msgspec.json.encode(order))

        def make(_turn: Turn) -> Made:
            return Made(self._answer_taken(self._parts.batches.make(caller, order, sent.key or "")))

        return self._parts.idempotency.run(sent, make)

    @describe_route(INDEX)
    def index(self) -> flask.Response:
        caller, wanted, order = self._identify(), read_query(PageQuery), Order()
        after = place_after(wanted.cursor, order)
        found, following = self._parts.batches.page(caller, order, after, wanted.limit)
        items = [self._describe(batch) for batch in found]
        return answer_page(BatchPage, items, following, order)

    @describe_route(SHOW)
    def show(self, batch_id: str) -> flask.Response:
        batch = self._parts.batches.find(self._identify(), batch_id)
        return answer_state(self._describe(batch), batch.metadata)

    @describe_route(PATCH)
    def change(self, batch_id: str) -> flask.Response:
        caller, patch = self._identify(), read_json(BatchPatch, MERGE_PATCH)
        find = partial(self._parts.batches.find, caller, batch_id)
        goal = Goal("batch", flask.request.headers.get("If-Match"))
        spec = plan_batch_change(patch)
        batch = edit_object(self._parts.cluster.batches, find, lambda _: spec, goal)
        return answer_state(self._describe(batch), batch.metadata)

    @describe_route(DELETE)
    def delete(self, batch_id: str) -> flask.Response:
        batch = self._parts.batches.find(self._identify(), batch_id)
        self._parts.cluster.batches.delete(batch.metadata)
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    def _take_files(self, caller: Caller) -> flask.Response:
        """The body is not read before it is known whether it is wanted."""
        if flask.request.args:
            raise unprocessable("All is said in the form, and nothing in the URL.")
        sent = read_request(caller, flask.request.mimetype)

        def make(turn: Turn) -> Made:
            if made := self._resume(caller, turn.promise):
                return made
            events = turn.keep_alive(self._read_files())
            size = flask.request.content_length
            shipment = Shipment(events, sent.key or "", size, turn.keep)
            with self._parts.lanes.lane():
                batch, whole = self._parts.shipments.take(caller, shipment)
            return Made(self._answer_taken(batch), whole)

        def replay(done: Done) -> flask.Response:
            self._compare(done.note)
            return answer_again(done)

        return self._parts.idempotency.run(sent, make, replay)

    def _resume(self, caller: Caller, promise: Promise | None) -> Made | None:
        """Return what an earlier try has made, if anything came of it."""
        if promise is None:
            return None
        self._parts.take_up.take(promise.file_id)
        batch = self._parts.batches.look(caller.id, promise.names[0])
        if batch is None:
            return None
        self._compare(promise.digest)
        return Made(self._answer_taken(batch), promise.digest)

    def _compare(self, whole: str) -> None:
        with self._parts.lanes.lane():
            if digest_files(hash_files(self._read_files())) != whole:
                raise other_files()

    def _read_files(self) -> Iterator[Event]:
        return read_form_upload(flask.request, self._parts.max_upload, MOST_ITEMS)

    def _identify(self) -> Caller:
        return identify(flask.request, self._parts.tokens)

    def _answer_taken(self, batch: ConversionBatch) -> flask.Response:
        where = self._parts.addresses.batch(batch.metadata.name)
        return answer_taken(self._describe(batch), where)

    def _describe(self, batch: ConversionBatch) -> BatchView:
        name, addresses = batch.metadata.name, self._parts.addresses
        return describe_batch(batch, addresses.batch(name), addresses.children(name))
