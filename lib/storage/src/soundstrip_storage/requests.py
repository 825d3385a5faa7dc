"""Requests that are made once, however often they are sent: what came of each, for a day."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from pymongo.errors import DuplicateKeyError

from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors
from soundstrip_storage.layout import REQUESTS

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=120)
"""Twice the time for which a client may be silent; a request that lives on renews it."""


@dataclass(frozen=True)
class Begun:
    """It is ours to carry out; `is_resumed` says that somebody else began, and was not heard of.

    `promise` is what they wrote down of what they were about to make.
    """

    holder: str
    is_resumed: bool = False
    promise: str = ""


@dataclass(frozen=True)
class Underway:
    """Somebody carries it out at this moment."""


@dataclass(frozen=True)
class Mismatch:
    """Another request has this key."""


@dataclass(frozen=True)
class Done:
    """What was answered: the body as text, and a note for who knows what to make of it."""

    status: int
    headers: dict[str, str]
    body: str
    note: str


class RequestLog:
    """The collection `requests`. Every method raises StorageUnavailable."""

    def __init__(self, database: Documents) -> None:
        self._requests = database[REQUESTS]

    def begin(self, key: str, fingerprint: str) -> Begun | Underway | Mismatch | Done:
        """Take a request on, unless it is known already."""
        holder, now = uuid4().hex, datetime.now(UTC)
        mine = {"holder": holder, "leasedUntil": now + LEASE}
        document = {"_id": key, "fingerprint": fingerprint, "expiresAt": now + KEPT, **mine}
        with storage_errors():
            try:
                self._requests.insert_one(document)
            except DuplicateKeyError:
                return self._join(key, fingerprint, mine, now)
        return Begun(holder)

    def renew(self, key: str, holder: str) -> None:
        """Say that the request is still under way."""
        lease = {"$set": {"leasedUntil": datetime.now(UTC) + LEASE}}
        with storage_errors():
            self._requests.update_one(_held(key, holder), lease)

    def promise(self, key: str, holder: str, promise: str) -> bool:
        """Keep what is about to be made; False if somebody else carries the request out by now."""
        kept = {"$set": {"promise": promise, "leasedUntil": datetime.now(UTC) + LEASE}}
        with storage_errors():
            return bool(self._requests.update_one(_held(key, holder), kept).matched_count)

    def finish(self, key: str, holder: str, done: Done) -> None:
        """Keep the answer."""
        answer = {"status": done.status, "headers": done.headers, "body": done.body}
        with storage_errors():
            self._requests.update_one(
                _held(key, holder), {"$set": {"answer": {**answer, "note": done.note}}}
            )

    def release(self, key: str, holder: str) -> None:
        """Let the request be sent again, and whoever does resume what was promised before."""
        past = {"$set": {"leasedUntil": datetime.now(UTC) - timedelta(seconds=1)}}
        with storage_errors():
            self._requests.update_one(_held(key, holder), past)

    def abandon(self, key: str, holder: str) -> None:
        """Forget a request that came to nothing, so that it can be sent again."""
        with storage_errors():
            self._requests.delete_one(_held(key, holder))

    def _join(
        self, key: str, fingerprint: str, mine: dict[str, Any], now: datetime
    ) -> Begun | Underway | Mismatch | Done:
        found = self._requests.find_one({"_id": key})
        if found is None:
            return Underway()  # It came to nothing, or was a day old, this very moment.
        if found["fingerprint"] != fingerprint:
            return Mismatch()
        if "answer" in found:
            return Done(**found["answer"])
        expired = {"_id": key, "holder": found["holder"], "leasedUntil": {"$lt": now}}
        taken = self._requests.find_one_and_update(expired, {"$set": mine})
        if taken is None:
            return Underway()
        return Begun(mine["holder"], is_resumed=True, promise=taken.get("promise", ""))


def _held(key: str, holder: str) -> dict[str, Any]:
    return {"_id": key, "holder": holder}
