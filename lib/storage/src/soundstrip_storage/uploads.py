"""Uploads that come in several requests, at any replica: how far each is, and who is at it.

An upload's chunks are stored as a file's are, under an intent; what does not fill a chunk yet
is in its own document. Who holds it has a lease by the server's clock. A holder that died is
found out by its lease, and the chunks tell how far it came: those that follow each other without
a gap, each of which holds the bytes of its own place in the file.
"""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId
from pymongo import timeout

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import LeaseLost, storage_errors
from soundstrip_storage.intents import begin_intent, touch_intent
from soundstrip_storage.layout import CHUNK_SIZE, INTENTS, UPLOADS, Bucket, parse_file_id

LEASE_SECONDS = 5.0
"""How long a holder that gives no sign of life keeps others out."""

_LEASE = {"$add": ["$$NOW", LEASE_SECONDS * 1000]}
_CALL_SECONDS = 10.0
_MOST_FOUND = 1000
_OLD_CHUNK_SIZE = 255 * 1024
"""Of an upload that was begun when its document didn't tell."""


@dataclass(frozen=True)
class Upload:
    """An upload; `about` is its gateway's own, and `id` is that of the file it becomes."""

    id: str
    owner: str
    length: int | None
    offset: int
    tail: bytes
    about: Mapping[str, Any]
    expires_at: datetime
    chunk_size: int = CHUNK_SIZE
    conversion: str | None = None
    """What became of it; None until it is complete and its conversion stands."""
    holder: str | None = None

    @property
    def chunks(self) -> int:
        """How many chunks are full; what is in none of them is the tail."""
        return self.offset // self.chunk_size

    @property
    def is_whole(self) -> bool:
        """Whether all of its bytes have come."""
        return self.offset == self.length


class Uploads:
    """The uploads of one installation. Every method raises StorageUnavailable."""

    def __init__(self, database: Documents, install: str) -> None:
        self._database = database
        self._documents = database[UPLOADS]
        self._chunks = database[Bucket.SOURCES.chunks]
        self._install = install

    def begin(
        self, owner: str, length: int | None, about: Mapping[str, Any], expires_at: datetime
    ) -> Upload:
        """Make an upload of which nothing has come yet.

        Its intent is touched ahead of time: no sweep takes it before it expires.
        """
        file_id = str(ObjectId())
        begin_intent(self._database, Bucket.SOURCES, file_id, install=self._install, owner=owner)
        touch_intent(self._database, file_id, expires_at)
        document = {
            "_id": ObjectId(file_id),
            "install": self._install,
            "owner": owner,
            "length": length,
            "offset": 0,
            "tail": b"",
            "about": dict(about),
            "createdAt": datetime.now(UTC),
            "expiresAt": expires_at,
            "chunkSize": CHUNK_SIZE,
            "conversion": None,
            "holder": None,
        }
        with _bounded():
            self._documents.insert_one(document)
        return _parse(document)

    def find(self, upload_id: str, owner: str) -> Upload | None:
        """Return the owner's upload as it is now, whoever is at it; None if there is none."""
        key = parse_file_id(upload_id)
        with _bounded():
            document = self._documents.find_one(self._own({"_id": key, "owner": owner}))
        return self._see(document) if document else None

    def hold(self, upload: Upload, *, unproven: bool = False) -> Upload | None:
        """Take the upload for as long as the lease lasts; None if somebody else has it.

        Bytes that are `unproven` count only when they are saved, not if their holder dies.
        """
        taken = {"holder": secrets.token_hex(8), "heldUntil": _LEASE, "unproven": unproven}
        free = {"$or": [{"holder": None}, {"$expr": {"$lt": ["$heldUntil", "$$NOW"]}}]}
        with _bounded():
            before = self._documents.find_one_and_update(
                self._own({"_id": ObjectId(upload.id)}) | free, [{"$set": taken}]
            )
        if before is None:
            return None
        found = replace(self._see(before), holder=str(taken["holder"]))
        if before["holder"] is not None:
            self._recover(found)
        return found

    def renew(self, held: Upload) -> None:
        """Give a sign of life.

        Raises:
            LeaseLost: If somebody else has the upload, or it is gone.
        """
        self._update(held, [{"$set": {"heldUntil": _LEASE}}])

    def save(self, held: Upload) -> None:
        """Write down how far the upload is, and go on holding it. Raises LeaseLost."""
        fields = ("length", "offset", "tail", "about", "conversion")
        state = {name: getattr(held, name) for name in fields}
        self._update(held, {"$set": state | {"expiresAt": held.expires_at}})
        if held.conversion is None:
            touch_intent(self._database, held.id, held.expires_at)

    def release(self, held: Upload) -> None:
        """Let others have it; gone or another's is as good."""
        with _bounded():
            self._documents.update_one(_held(held), {"$set": {"holder": None}})

    def cut(self, held: Upload) -> None:
        """Remove the chunks beyond what has come: of bytes that are not to count."""
        first = held.chunks
        with storage_errors():
            self._chunks.delete_many({"files_id": ObjectId(held.id), "n": {"$gte": first}})

    def remove(self, upload: Upload) -> None:
        """Remove an upload, and what has come of it if no file became of it."""
        key = ObjectId(upload.id)
        with storage_errors():
            stands = self._database[Bucket.SOURCES.files].find_one({"_id": key}, {"_id": 1})
            if upload.conversion is None and stands is None:
                self._chunks.delete_many({"files_id": key})
                self._database[INTENTS].delete_one({"_id": key})
            self._documents.delete_one({"_id": key})

    def find_expired(self, now: datetime) -> Iterator[Upload]:
        """Yield the uploads whose time is over."""
        yield from self._search({"expiresAt": {"$lt": now}})

    def find_left(self, before: datetime) -> Iterator[Upload]:
        """Yield those that may be whole and that nobody has been at since then."""
        lapsed = {"holder": {"$ne": None}, "heldUntil": {"$lt": before}}
        whole = {"holder": None, "$expr": {"$eq": ["$offset", "$length"]}}
        yield from self._search({"conversion": None, "$or": [lapsed, whole]})

    def _search(self, where: Mapping[str, Any]) -> Iterator[Upload]:
        with _bounded():
            found = self._documents.find(self._own(where), limit=_MOST_FOUND).to_list()
        yield from map(_parse, found)

    def _own(self, where: Mapping[str, Any]) -> dict[str, Any]:
        return {"install": self._install, **where}

    def _update(self, held: Upload, update: Any) -> None:  # noqa: ANN401 - the driver's own
        with _bounded():
            if not self._documents.update_one(_held(held), update).matched_count:
                raise LeaseLost("another request goes on with this upload")

    def _see(self, document: Mapping[str, Any]) -> Upload:
        """Return the upload with what its holder has stored so far."""
        upload = _parse(document)
        if upload.holder is None or document.get("unproven") or upload.conversion:
            return upload
        stored = self._count_chunks(upload)
        if not stored:
            return upload
        offset = (upload.chunks + stored) * upload.chunk_size
        length = upload.length
        return replace(upload, offset=offset if length is None else min(offset, length), tail=b"")

    def _count_chunks(self, upload: Upload) -> int:
        """Count the chunks from the upload's offset on, up to the first gap."""
        first = upload.chunks
        key = {"files_id": ObjectId(upload.id), "n": {"$gte": first}}
        count = 0
        with storage_errors():
            for chunk in self._chunks.find(key, {"_id": 0, "n": 1}).sort("n", 1):
                if chunk["n"] != first + count:
                    break
                count += 1
        return count

    def _recover(self, held: Upload) -> None:
        """Write down how far a holder came that died, and remove what lies behind a gap."""
        self.save(held)
        if not held.is_whole:
            self.cut(held)


@contextmanager
def _bounded() -> Iterator[None]:
    """Translate the driver's errors, and put an end to every wait."""
    with storage_errors(), timeout(_CALL_SECONDS):
        yield


def _held(held: Upload) -> dict[str, Any]:
    return {"_id": ObjectId(held.id), "holder": held.holder}


def _parse(document: Mapping[str, Any]) -> Upload:
    return Upload(
        id=str(document["_id"]),
        owner=document["owner"],
        length=document["length"],
        offset=document["offset"],
        tail=bytes(document["tail"]),
        about=document["about"],
        expires_at=document["expiresAt"],
        chunk_size=document.get("chunkSize", _OLD_CHUNK_SIZE),
        conversion=document["conversion"],
        holder=document["holder"],
    )
