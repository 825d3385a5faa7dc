"""Pages of a list; a cursor names the last one seen, so new ones disturb nothing."""

import base64
import binascii
import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, assert_never

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.views import finished_at
from soundstrip_storage.history import Criteria, Field, Order, Place

_STRANGE_CURSOR = "cursor is none that this service gave out for this order."
T = TypeVar("T")

_NOT_YET = datetime.max.replace(tzinfo=UTC)


class PageRefused(ValueError):
    """The cursor is none."""


@dataclass(frozen=True)
class Found:
    """A conversion, and since when it is in the archive alone; None if it is in the cluster."""

    conversion: VideoConversion
    archived_at: datetime | None = None


@dataclass(frozen=True)
class Listing:
    """Which page is wanted: of what, in which order, from which place, how long."""

    criteria: Criteria
    order: Order
    after: Place | None
    limit: int


@dataclass(frozen=True)
class Page:
    """Some conversions, and where the next page begins; None at the end."""

    items: tuple[Found, ...]
    next: Place | None


def place_of(conversion: VideoConversion, order: Order) -> Place:
    """Return where the conversion stands; what has no date yet has the latest one."""
    metadata = conversion.metadata
    match order.field:
        case Field.CREATED:
            return Place(metadata.creation_timestamp or _NOT_YET, metadata.name)
        case Field.FINISHED:
            return Place(finished_at(conversion) or _NOT_YET, metadata.name)
        case Field.FILENAME:
            return Place(conversion.spec.source.filename, metadata.name)
        case _:
            assert_never(order.field)


def is_behind(place: Place, after: Place | None, order: Order) -> bool:
    """Say whether a place comes after another; any comes after None."""
    return after is None or (place < after if order.descending else place > after)


def choose_page(found: Iterable[Found], order: Order, after: Place | None, limit: int) -> Page:
    """Return the first `limit` behind `after`, holding no more than that in memory."""
    items, following = choose(
        found, lambda one: place_of(one.conversion, order), order, after, limit
    )
    return Page(tuple(items), following)


def choose(
    found: Iterable[T], place: Callable[[T], Place], order: Order, after: Place | None, limit: int
) -> tuple[list[T], Place | None]:
    """Return the first `limit` behind `after`, and the last one's place if there are more."""
    candidates = (one for one in found if is_behind(place(one), after, order))
    pick = heapq.nlargest if order.descending else heapq.nsmallest
    chosen = pick(limit + 1, candidates, key=place)
    items = chosen[:limit]
    return items, place(items[-1]) if len(chosen) > limit else None


def encode_cursor(place: Place, order: Order) -> str:
    """Return the place as an opaque word for a URL."""
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    text = f"{_word(order)}\n{place.name}\n{value}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_cursor(text: str | None, order: Order) -> Place | None:
    """Return the place that `encode_cursor` made a word of for this order; None for none.

    Raises:
        PageRefused: If it did not.
    """
    if text is None:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        word, name, value = content.split("\n", 2)
        place = Place(_parse_value(value, order), name)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise PageRefused(_STRANGE_CURSOR) from error
    if word != _word(order):
        raise PageRefused(_STRANGE_CURSOR)
    return place


def _word(order: Order) -> str:
    return f"{'-' if order.descending else ''}{order.field}"


def _parse_value(text: str, order: Order) -> Any:  # noqa: ANN401 - a time or a name
    if order.field is Field.FILENAME:
        return text
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
