"""What is granted to a user and not there yet, in MongoDB: all replicas grant from one account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from soundstrip_gateway.quotas import Ask, Hold
from soundstrip_storage.books import ACCOUNTS
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors


@dataclass(frozen=True)
class Account:
    """A user's holds, as they were read; `version` changes with each of them."""

    owner: str
    version: int
    holds: tuple[Hold, ...]


class Accounts:
    """The accounts. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents) -> None:
        self._accounts = database[ACCOUNTS]

    def read(self, owner: str) -> Account:
        """Return a user's account; an empty one if there is none."""
        with storage_errors():
            found = self._accounts.find_one({"_id": owner})
        return _parse(found) if found else Account(owner, 0, ())

    def write(self, account: Account, holds: Iterable[Hold]) -> bool:
        """Put these holds in the place of the account's, unless it has changed since it was read.

        Returns whether they were put there.
        """
        written = {
            "_id": account.owner,
            "version": account.version + 1,
            "holds": [_document(hold) for hold in holds],
        }
        with storage_errors():
            try:
                if account.version == 0:
                    self._accounts.insert_one(written)
                    return True
                key = {"_id": account.owner, "version": account.version}
                return self._accounts.replace_one(key, written).matched_count == 1
            except DuplicateKeyError:
                return False

    def prolong(self, owner: str, wanted: Hold, now: datetime) -> bool:
        """Let a hold that is there, for as many bytes or more, last as long as the wanted one.

        Returns whether there is such a hold.
        """
        enough = {"id": wanted.id, "bytes": {"$gte": wanted.ask.bytes}, "expiresAt": {"$gt": now}}
        later = {"$set": {"holds.$.expiresAt": wanted.expires_at}, "$inc": {"version": 1}}
        key = {"_id": owner, "holds": {"$elemMatch": enough}}
        with storage_errors():
            return self._accounts.update_one(key, later).matched_count == 1

    def drop(self, owner: str, hold_id: str) -> None:
        """Take a hold away, whatever became of the others; gone is gone."""
        change = {"$pull": {"holds": {"id": hold_id}}, "$inc": {"version": 1}}
        with storage_errors():
            self._accounts.update_one({"_id": owner, "holds.id": hold_id}, change)


def _document(hold: Hold) -> dict[str, Any]:
    ask = hold.ask
    return {
        "id": hold.id,
        "bytes": ask.bytes,
        "conversions": ask.conversions,
        "seconds": ask.seconds,
        "expiresAt": hold.expires_at,
    }


def _parse(document: Mapping[str, Any]) -> Account:
    holds = tuple(
        Hold(
            held["id"],
            Ask(held["bytes"], held["conversions"], held["seconds"]),
            held["expiresAt"],
        )
        for held in document["holds"]
    )
    return Account(document["_id"], document["version"], holds)
