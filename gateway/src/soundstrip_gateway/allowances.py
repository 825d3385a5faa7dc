"""Which quota a user has: that of the roles, and what an administrator has said of this one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from soundstrip_gateway.memory import Memory
from soundstrip_gateway.quotas import Quota, widest
from soundstrip_gateway.roles import USER, roles_of
from soundstrip_gateway.tokens import Caller
from soundstrip_storage.books import QUOTAS
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors

_SECONDS = 5.0
"""How long another replica goes on by what an administrator has changed."""


def parse_quotas(text: str) -> Mapping[str, Quota]:
    """Return the quotas by role of a JSON object.

    Raises:
        ValueError: If it is none, or names a quota that there is not.
    """
    return msgspec.json.decode(text or "{}", type=dict[str, Quota])


class Allowances:
    """The quotas. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents, by_role: Mapping[str, Quota]) -> None:
        self._exceptions = database[QUOTAS]
        self._by_role = by_role
        self._memory: Memory[str, dict[str, Any] | None] = Memory(_SECONDS, self._load)

    def of(self, caller: Caller) -> Quota:
        """Return the caller's quota."""
        return self._combine(roles_of(caller), self._memory.get(caller.id))

    def of_user(self, user: str) -> Quota:
        """Return the quota of a user of whom nothing is known but the id, as of an ordinary one."""
        return self._combine((USER,), self._load(user))

    def exception(self, user: str) -> Mapping[str, Any] | None:
        """Return what is said of this user alone: quotas by their names in JSON, null for none."""
        return self._load(user)

    def put(self, user: str, exception: Mapping[str, Any], by: str) -> None:
        """Say of this user alone what the limits are; what is not named is as for the role."""
        entry = {"quota": dict(exception), "by": by, "at": datetime.now(UTC)}
        with storage_errors():
            self._exceptions.replace_one({"_id": user}, entry, upsert=True)
        self._memory.forget(user)

    def remove(self, user: str) -> bool:
        """Forget what was said of this user, and say whether there was anything."""
        with storage_errors():
            removed = self._exceptions.delete_one({"_id": user}).deleted_count
        self._memory.forget(user)
        return bool(removed)

    def _combine(self, roles: Iterable[str], exception: Mapping[str, Any] | None) -> Quota:
        usual = widest(self._by_role[role] for role in roles if role in self._by_role)
        return msgspec.convert(msgspec.to_builtins(usual) | dict(exception or {}), Quota)

    def _load(self, user: str) -> dict[str, Any] | None:
        with storage_errors():
            entry = self._exceptions.find_one({"_id": user})
        return dict(entry["quota"]) if entry else None
