"""`/v1/admin/conversions`: everybody's."""

from collections.abc import Iterator
from http import HTTPStatus

import flask
import msgspec
from msgspec import UNSET, UnsetType

from soundstrip_crds.conversion import Owner, VideoConversion
from soundstrip_gateway.admin.acts import TAG, UserId, identify_admin, record
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.editing import edit
from soundstrip_gateway.ids import parse_conversion_id
from soundstrip_gateway.paging import Found, choose_page, encode_cursor, parse_cursor
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import conflict, not_found
from soundstrip_gateway.searches import ConversionQuery, admits
from soundstrip_gateway.views import ConversionId, ConversionView, Links, describe, state_of
from soundstrip_service.operations import (
    Answer,
    Operation,
    answer_json,
    describe_route,
    read_query,
)
from soundstrip_service.problems import Problem

_COLLECTION = "/v1/admin/conversions"


class OwnedConversion(msgspec.Struct):
    """A conversion and whose it is."""

    owner: Owner
    conversion: ConversionView


class OwnedPage(msgspec.Struct, rename="camel"):
    """Some conversions, newest first; `nextCursor` is null on the last page."""

    items: list[OwnedConversion]
    next_cursor: str | None


class OwnedQuery(ConversionQuery, rename="camel"):
    """Which of them; `owner` is a user's id."""

    owner: UserId | UnsetType = UNSET


_ID = {"conversion_id": ConversionId}

INDEX = Operation(
    "List everybody's conversions",
    TAG,
    {200: Answer("A page", OwnedPage)},
    problems=(400, 403, 422),
    query=OwnedQuery,
)
SHOW = Operation(
    "Get anybody's conversion",
    TAG,
    {200: Answer("The conversion", OwnedConversion)},
    problems=(403, 404),
    parts=_ID,
)
CANCEL = Operation(
    "Cancel anybody's conversion",
    TAG,
    {202: Answer("It will end", OwnedConversion)},
    problems=(403, 404, 409),
    parts=_ID,
)
DELETE = Operation(
    "Delete anybody's conversion and its audio",
    TAG,
    {204: Answer("It will be gone")},
    problems=(403, 404),
    parts=_ID,
)


def conversion_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("admin_conversions", __name__)

    @blueprint.get(_COLLECTION)
    @describe_route(INDEX)
    def index() -> flask.Response:
        identify_admin(parts)
        wanted = read_query(OwnedQuery)
        after = parse_cursor(wanted.cursor or None, wanted.order)
        page = choose_page(_select(parts.cluster, wanted), wanted.order, after, wanted.limit)
        cursor = encode_cursor(page.next, wanted.order) if page.next else None
        items = [_describe(each.conversion) for each in page.items]
        return answer_json(OwnedPage(items, cursor))

    @blueprint.get(f"{_COLLECTION}/<conversion_id>")
    @describe_route(SHOW)
    def show(conversion_id: str) -> flask.Response:
        identify_admin(parts)
        return answer_json(_describe(_find(parts.cluster, conversion_id)))

    @blueprint.post(f"{_COLLECTION}/<conversion_id>/cancel")
    @describe_route(CANCEL)
    def cancel(conversion_id: str) -> flask.Response:
        admin = identify_admin(parts)
        found = _find(parts.cluster, conversion_id)
        if state_of(found) not in {"queued", "running"}:
            raise _finished()
        record(parts, admin, "conversion.cancel", found.metadata.name, _whose(found))

        def attempt() -> VideoConversion | None:
            return parts.cluster.patch(_find(parts.cluster, conversion_id), {"cancelled": True})

        cancelled = edit(attempt, None, "conversion")
        return answer_json(_describe(cancelled), HTTPStatus.ACCEPTED)

    @blueprint.delete(f"{_COLLECTION}/<conversion_id>")
    @describe_route(DELETE)
    def delete(conversion_id: str) -> flask.Response:
        admin = identify_admin(parts)
        found = _find(parts.cluster, conversion_id)
        record(parts, admin, "conversion.delete", found.metadata.name, _whose(found))
        parts.cluster.delete(found)
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    return blueprint


def _select(cluster: Cluster, wanted: OwnedQuery) -> Iterator[Found]:
    criteria = wanted.criteria
    for conversion in cluster.scan(wanted.owner or None):
        if admits(criteria, conversion):
            yield Found(conversion)


def _find(cluster: Cluster, text: str) -> VideoConversion:
    name = parse_conversion_id(text)
    found = cluster.find(name) if name else None
    if found is None:
        raise not_found()
    return found


def _finished() -> Problem:
    detail = "It has finished; there is nothing to cancel."
    return conflict(detail, "conversion-finished")


def _whose(conversion: VideoConversion) -> dict[str, str]:
    return {"owner": conversion.spec.owner.id}


def _describe(conversion: VideoConversion) -> OwnedConversion:
    url = f"{_COLLECTION}/{conversion.metadata.name}"
    view = msgspec.structs.replace(describe(conversion, url), links=Links(url))
    return OwnedConversion(conversion.spec.owner, view)  # its files are for its owner alone
