"""Links to a conversion's audio that need no token, and what of it they give out."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstrip_crds.conversion import Moment
from soundstrip_gateway.conversions import Conversions, ready_result
from soundstrip_gateway.idempotency import digest
from soundstrip_gateway.library import Library
from soundstrip_gateway.paging import Found
from soundstrip_gateway.refusals import conflict, no_link, not_found, used_up
from soundstrip_gateway.tokens import Caller
from soundstrip_storage.layout import StoredFile
from soundstrip_storage.links import Link, LinkStore

MOST_LINKS = 100
"""Of one conversion, at a time."""

LinkId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="a link's id")]


class LinkOrder(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """How long a link holds, and for how many downloads; null means any number."""

    expires_in: Annotated[int, Meta(ge=1, le=2_678_400, description="seconds, 31 days at most")] = (
        86_400
    )
    max_downloads: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class LinkView(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A link. `url` is told once, when it is made; whoever has it can download the audio.

    `downloads` is how much was sent, as a multiple of the audio, rounded up.
    """

    id: LinkId
    created_at: Moment
    expires_at: Moment
    max_downloads: int | None = None
    downloads: int | None = None
    url: Annotated[str, Meta(description="in full, or below this server's address")] | None = None


@dataclass(frozen=True)
class Opened:
    """A link that was found by its token, and the audio that it gives out."""

    link: Link
    file: StoredFile


class Links:
    """Gives links, takes them back, and opens them.

    Every method raises StorageUnavailable or ClusterUnavailable while the other side is away.
    """

    def __init__(self, store: LinkStore, conversions: Conversions, library: Library) -> None:
        self._store = store
        self._conversions = conversions
        self._library = library

    def make(self, caller: Caller, found: Found, order: LinkOrder) -> tuple[Link, str]:
        """Return a new link to the conversion's audio, and its token, which is kept nowhere.

        Raises:
            Problem: 409 if there is no audio, or there are a hundred links already.
        """
        result = ready_result(found)
        metadata = found.conversion.metadata
        if len(self._store.list(caller.id, metadata.uid)) >= MOST_LINKS:
            raise conflict(f"There are {MOST_LINKS} links already; delete one of them.")
        now = datetime.now(UTC)
        link = Link(
            id=secrets.token_hex(8),
            owner=caller.id,
            conversion=metadata.name,
            conversion_uid=metadata.uid,
            created_at=now,
            expires_at=now + timedelta(seconds=order.expires_in),
            size=result.size,
            max_downloads=order.max_downloads,
            bytes_left=most_bytes(result.size, order.max_downloads),
        )
        token = secrets.token_urlsafe(32)
        self._store.add(link, digest(token))
        return link, token

    def make_again(self, caller: Caller, link_id: str) -> tuple[Link, str]:
        """Return a link that was made before, and another token for it.

        Raises:
            Problem: 404 if it is gone.
        """
        token = secrets.token_urlsafe(32)
        link = self._store.add_token(caller.id, link_id, digest(token))
        if link is None:
            raise not_found("link")
        return link, token

    def list(self, caller: Caller, found: Found) -> list[Link]:
        """Return the links to a conversion, the newest first."""
        return self._store.list(caller.id, found.conversion.metadata.uid)

    def remove(self, caller: Caller, found: Found, link_id: str) -> None:
        """Take a link back; a download that is under way goes on.

        Raises:
            Problem: 404 if there is none.
        """
        if not self._store.remove(caller.id, found.conversion.metadata.uid, link_id):
            raise not_found("link")

    def forget(self, caller: Caller, uid: str) -> None:
        """Remove all links to a conversion that was deleted; none of them opens it any more."""
        self._store.remove_all(caller.id, uid)

    def open(self, token: str) -> Opened:
        """Return what a token opens.

        Raises:
            Problem: 404 if it opens nothing, or nothing any more.
        """
        link = self._store.find(digest(token))
        if link is None:
            raise no_link()
        found = self._conversions.look(link.owner, link.conversion)
        if found is None or found.conversion.metadata.uid != link.conversion_uid:
            raise no_link()
        file = self._library.find(ready_result(found), link.owner)
        if file is None:
            raise no_link()
        return Opened(link, file)

    def read(self, link: Link, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        """Return the bytes from `start` up to `stop`, taken off what the link still gives out.

        What is not sent, for the receiver went away, is given back.

        Raises:
            Problem: 410 if it gives out less than that.
        """
        if not self._store.spend(link, stop - start):
            raise used_up()
        return self._send(link, file, start, stop)

    def _send(self, link: Link, file: StoredFile, start: int, stop: int) -> Iterator[bytes]:
        left = stop - start
        try:
            for block in self._library.read(file, start, stop):
                left -= len(block)
                yield block
        finally:
            self._store.give_back(link, left)


def most_bytes(size: int, downloads: int | None) -> int | None:
    """Return how many bytes a link gives out: a byte less than one copy more would take.

    So broken downloads can be taken up, and no choice of ranges makes a copy too many.
    """
    return None if downloads is None else (downloads + 1) * size - 1


def describe_link(link: Link, url: str | None = None) -> LinkView:
    """Return the JSON of a link."""
    downloads = None
    if link.bytes_left is not None and link.size:
        sent = (most_bytes(link.size, link.max_downloads) or 0) - link.bytes_left
        downloads = -(-sent // link.size)
    return LinkView(
        id=link.id,
        created_at=link.created_at,
        expires_at=link.expires_at,
        max_downloads=link.max_downloads,
        downloads=downloads,
        url=url,
    )
