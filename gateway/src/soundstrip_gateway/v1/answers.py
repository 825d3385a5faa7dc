"""What answers of several resources have in common: pages, and states of objects."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

import flask
from msgspec import UnsetType

from soundstrip_crds.conversion import Metadata
from soundstrip_gateway.addresses import Addresses
from soundstrip_gateway.editing import etag_of
from soundstrip_gateway.paging import Found, encode_cursor, parse_cursor
from soundstrip_gateway.views import ConversionView, describe
from soundstrip_service.operations import answer_json
from soundstrip_storage.history import Order, Place

MERGE_PATCH = "application/merge-patch+json"
ETAG = {"ETag": "of this state of it"}
IF_MATCH = {"If-Match": "the ETag that it must have still"}

V = TypeVar("V")


def place_after(cursor: str | UnsetType, order: Order) -> Place | None:
    """Return behind which place a page begins. Raises PageRefused for a cursor that is none."""
    return parse_cursor(cursor or None, order)


def answer_page(
    kind: Callable[[list[V], str | None], object],
    items: list[V],
    following: Place | None,
    order: Order,
) -> flask.Response:
    """Return a page, with the cursor of the next one if there is one."""
    return answer_json(kind(items, encode_cursor(following, order) if following else None))


def describe_found(found: Found, addresses: Addresses) -> ConversionView:
    """Return the JSON of a conversion, wherever it is."""
    url = addresses.conversion(found.conversion.metadata.name)
    return describe(found.conversion, url, found.archived_at)


def answer_state(view: object, metadata: Metadata) -> flask.Response:
    """Return a state of an object, with its ETag."""
    return answer_json(view, headers={"ETag": etag_of(metadata)})


def answer_taken(view: object, where: str) -> flask.Response:
    """Return what will be done, and where it is to be seen."""
    return answer_json(view, HTTPStatus.ACCEPTED, {"Location": where})
