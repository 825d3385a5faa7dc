"""Links to results that need no token: kept as hashes, with what is left of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import LINKS

_MOST_TOKENS = 10


@dataclass(frozen=True)
class Link:
    """Who gave it, to what, until when; `bytes_left` is None for any number of downloads."""

    id: str
    owner: str
    conversion: str
    conversion_uid: str
    created_at: datetime
    expires_at: datetime
    size: int
    max_downloads: int | None
    bytes_left: int | None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read a document."""
        return cls(
            id=document["_id"],
            owner=document["owner"],
            conversion=document["conversion"],
            conversion_uid=document["conversionUid"],
            created_at=document["createdAt"],
            expires_at=document["expiresAt"],
            size=document["size"],
            max_downloads=document["maxDownloads"],
            bytes_left=document["bytesLeft"],
        )


class LinkStore:
    """The collection `links`. Every method raises StorageUnavailable.

    A link whose time is up is not found, whether MongoDB has removed it yet or not.
    """

    def __init__(self, database: Documents) -> None:
        self._links = database[LINKS]

    def add(self, link: Link, token_hash: str) -> None:
        """Keep a link that this token opens."""
        document = {
            "_id": link.id,
            "owner": link.owner,
            "conversion": link.conversion,
            "conversionUid": link.conversion_uid,
            "createdAt": link.created_at,
            "expiresAt": link.expires_at,
            "size": link.size,
            "maxDownloads": link.max_downloads,
            "bytesLeft": link.bytes_left,
            "tokens": [token_hash],
        }
        with storage_errors():
            self._links.insert_one(document)

    def add_token(self, owner: str, link_id: str, token_hash: str) -> Link | None:
        """Let another token open the link too; None if it is gone, or has ten already."""
        has_room = {f"tokens.{_MOST_TOKENS - 1}": {"$exists": False}}
        key = {"_id": link_id, "owner": owner, **has_room}
        with storage_errors():
            document = self._links.find_one_and_update(
                key | _alive(), {"$push": {"tokens": token_hash}}
            )
        return Link.parse(document) if document else None

    def list(self, owner: str, uid: str) -> list[Link]:
        """Return the owner's links to a conversion, the newest first."""
        key = {"owner": owner, "conversionUid": uid}
        with storage_errors():
            found = self._links.find(key | _alive()).sort([("createdAt", -1), ("_id", 1)])
            return [Link.parse(document) for document in found]

    def remove(self, owner: str, uid: str, link_id: str) -> bool:
        """Remove one of the owner's links to a conversion, and say whether there was one."""
        key = {"_id": link_id, "owner": owner, "conversionUid": uid}
        with storage_errors():
            return self._links.find_one_and_delete(key | _alive()) is not None

    def remove_all(self, owner: str, uid: str) -> None:
        """Remove the owner's links to a conversion."""
        with storage_errors():
            self._links.delete_many({"owner": owner, "conversionUid": uid})

    def find(self, token_hash: str) -> Link | None:
        """Return the link that a token opens."""
        with storage_errors():
            document = self._links.find_one({"tokens": token_hash} | _alive())
        return Link.parse(document) if document else None

    def spend(self, link: Link, count: int) -> bool:
        """Take so many bytes off what is left; False, and nothing taken, if that is less."""
        if link.bytes_left is None:
            return True
        key = {"_id": link.id, "bytesLeft": {"$gte": count}} | _alive()
        with storage_errors():
            taken = self._links.update_one(key, {"$inc": {"bytesLeft": -count}})
        return taken.modified_count == 1 or (count == 0 and taken.matched_count == 1)

    def give_back(self, link: Link, count: int) -> None:
        """Add bytes that were taken off and not sent."""
        if link.bytes_left is not None and count:
            with storage_errors():
                self._links.update_one({"_id": link.id}, {"$inc": {"bytesLeft": count}})


def _alive() -> dict[str, Any]:
    return {"expiresAt": {"$gt": datetime.now(UTC)}}
