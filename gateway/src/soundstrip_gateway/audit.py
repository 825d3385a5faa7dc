"""What administrators did: a line in the log, and an entry in MongoDB that ends by its age."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog
from bson.int64 import Int64
from pymongo import DESCENDING

from soundstrip_gateway.tokens import Caller
from soundstrip_storage.books import AUDIT
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors

log = structlog.get_logger("soundstrip.audit")

_FIELDS = ("at", "actor", "name", "action", "target", "detail", "requestId", "address")


class Audit:
    """The audit log. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents) -> None:
        self._entries = database[AUDIT]

    def write(
        self,
        actor: Caller,
        action: str,
        target: str,
        *,
        request_id: str | None = None,
        address: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down an act, before it is done: none is without its entry."""
        entry = {
            "at": datetime.now(UTC),
            "actor": actor.id,
            "name": actor.name,
            "action": action,
            "target": target,
            "detail": dict(detail or {}),
            "requestId": request_id,
            "address": address,
        }
        log.info("audit", **{key: value for key, value in entry.items() if key != "at"})
        with storage_errors():
            self._entries.insert_one(entry)

    def latest(self, count: int) -> list[dict[str, Any]]:
        """Return the newest entries."""
        with storage_errors():
            found = list(self._entries.find({}, {"_id": 0}).sort("at", DESCENDING).limit(count))
        return [{name: _plain(entry.get(name)) for name in _FIELDS} for entry in found]


def _plain(value: Any) -> Any:  # noqa: ANN401 - what BSON holds
    """Return large numbers as numbers of Python: BSON's own are no JSON."""
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case Int64():
            return int(value)
        case _:
            return value
