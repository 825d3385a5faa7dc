"""A page of a list, each object read as it is met: the page itself is never held as dicts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

Body = dict[str, Any]

T = TypeVar("T")

Read = Callable[[msgspec.Raw], T | None]
"""Reads an object of a list, which is JSON; None leaves it out."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some objects, the version that the list is of, and what the next page is asked for by."""

    items: list[T]
    version: int
    token: str
    """Empty on the last page."""


class _Metadata(msgspec.Struct):
    version: str = msgspec.field(default="", name="resourceVersion")
    token: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    metadata: _Metadata
    items: list[msgspec.Raw] = []


def read_page(text: bytes, read: Read[T]) -> Page[T]:
    """Return a page of what can be read."""
    page = msgspec.json.decode(text, type=_List)
    items = [item for one in page.items if (item := read(one)) is not None]
    return Page(items, int(page.metadata.version or 0), page.metadata.token)


def as_body(text: bytes | msgspec.Raw) -> Body:
    """Read an object as it came."""
    body: Body = msgspec.json.decode(text)
    return body
