"""Pages of a list, newest first; a cursor names the last one seen, so new ones disturb nothing."""

import base64
import binascii
import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstrip_crds.conversion import VideoConversion

DEFAULT_LIMIT = 20
MAX_LIMIT = 100


class PageRefused(ValueError):
    """The limit or the cursor is none."""


@dataclass(frozen=True, order=True)
class Place:
    """A conversion's place in the order of creation."""

    created: datetime
    name: str


@dataclass(frozen=True)
class Page:
    """Some conversions, and where the next page begins; None at the end."""

    items: tuple[VideoConversion, ...]
    next: Place | None


def place_of(conversion: VideoConversion) -> Place:
    """Return where the conversion stands; one that the API server has not dated yet is first."""
    created = conversion.metadata.creation_timestamp or datetime.max.replace(tzinfo=UTC)
    return Place(created, conversion.metadata.name)


def choose_page(conversions: Iterable[VideoConversion], after: Place | None, limit: int) -> Page:
    """Return the newest `limit` behind `after`, holding no more than that in memory."""
    candidates = (c for c in conversions if after is None or place_of(c) < after)
    found = heapq.nlargest(limit + 1, candidates, key=place_of)
    items = tuple(found[:limit])
    return Page(items, place_of(items[-1]) if len(found) > limit else None)


def encode_cursor(place: Place) -> str:
    """Return the place as an opaque word for a URL."""
    text = f"{place.created.isoformat()} {place.name}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_cursor(text: str | None) -> Place | None:
    """Return the place that `encode_cursor` made a word of; None for none.

    Raises:
        PageRefused: If it did not.
    """
    if text is None:
        return None
    try:
        padded = text.encode() + b"=" * (-len(text) % 4)
        created, _, name = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(" ")
        )
        return Place(datetime.fromisoformat(created).astimezone(UTC), name)
    except (binascii.Error, ValueError, OverflowError) as error:
        raise PageRefused("cursor is none that this service gave out.") from error


class PageQuery(msgspec.Struct):
    """Which page of a list is asked for."""

    limit: Annotated[int, Meta(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: (
        Annotated[str, Meta(description="nextCursor of the page before", max_length=255)] | None
    ) = None
