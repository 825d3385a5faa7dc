"""API keys of scripts: shown once, stored as hashes, for some scopes."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from soundstrip_auth.database import Database
from soundstrip_service.scopes import Scope, parse_scopes, write_scopes

MOST_KEYS = 50
"""Keys of one user."""

_COARSE_SECONDS = 3600
"""How exactly the last use is known: a write for each use would cost more than it tells."""

_COLUMNS = "SELECT id, user_id, name, scopes, created_at, expires_at, used_at FROM api_keys WHERE "
_HOLDS = " AND (expires_at IS NULL OR expires_at > NOW(6))"
_INSERT = (
    "INSERT INTO api_keys (id, user_id, key_hash, name, scopes, expires_at)"
    " SELECT %s, %s, %s, %s, %s, %s FROM DUAL"
    " WHERE (SELECT COUNT(*) FROM api_keys WHERE user_id = %s) < %s"
)
_USED = (
    "UPDATE api_keys SET used_at = NOW(6)"
    " WHERE id = %s AND (used_at IS NULL OR used_at < NOW(6) - INTERVAL %s SECOND)"
)
_OWNER = (
    "SELECT user_id, role FROM api_keys JOIN users ON users.id = user_id WHERE key_hash = %s"  # noqa: S608
    + _HOLDS
)


class TooManyKeys(Exception):
    """The caller's fault: the user has as many keys as there may be."""


class KeyRefused(Exception):
    """The caller's fault: there is no such key, or no more."""


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret; `used_at` may be an hour behind."""

    id: str
    user_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None

    def granted(self, *, admin: bool) -> frozenset[Scope]:
        """Return what it is for now: an admin's scopes are none when the user is no admin."""
        return frozenset(scope for scope in self.scopes if admin or not scope.is_for_admins)

    def lifetime(self, longest: timedelta, now: datetime) -> timedelta:
        """Return how long a token for this key may hold."""
        return longest if self.expires_at is None else min(longest, self.expires_at - now)


@dataclass(frozen=True)
class Owner:
    """Whose an API key is."""

    user_id: str
    role: str


class ApiKeyStore:
    """The table `api_keys`. Every method raises DatabaseUnavailable when MySQL cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, user_id: str, key: str, name: str, scopes: frozenset[Scope], expires: datetime | None
    ) -> ApiKey:
        """Store a key's hash, and return what is to be known of the key.

        Raises:
            TooManyKeys: If the user has as many as there may be.
        """
        key_id = uuid.uuid4().hex
        row = (key_id, user_id, _hash(key), name, write_scopes(scopes), expires, user_id, MOST_KEYS)
        with self._database.statements() as statements:
            if not statements.write(_INSERT, row):
                raise TooManyKeys(f"A user has {MOST_KEYS} API keys at most; delete one first.")
            [found] = statements.read(_COLUMNS + "id = %s", (key_id,))
        return _read(found)

    def use(self, key: str) -> ApiKey:
        """Return the key that this is, and note that it was used.

        Raises:
            KeyRefused: If it is none, or holds no more.
        """
        with self._database.statements() as statements:
            found = statements.read(_COLUMNS + "key_hash = %s" + _HOLDS, (_hash(key),))
            if not found:
                raise KeyRefused("The API key is none of this service's, or holds no more.")
            api_key = _read(found[0])
            statements.write(_USED, (api_key.id, _COARSE_SECONDS))
        return api_key

    def find_owner(self, key: str) -> Owner | None:
        """Return whose key this is, if it holds; it does not count as used."""
        return next((Owner(*row) for row in self._database.read(_OWNER, (_hash(key),))), None)

    def holds(self, user_id: str, key_id: str) -> bool:
        """Return whether the user has this key, and it holds."""
        where = _COLUMNS + "user_id = %s AND id = %s" + _HOLDS
        return bool(self._database.read(where, (user_id, key_id)))

    def of(self, user_id: str) -> list[ApiKey]:
        """Return the user's keys, also those that hold no more, the newest first."""
        where = _COLUMNS + "user_id = %s ORDER BY created_at DESC, id"
        return [_read(row) for row in self._database.read(where, (user_id,))]

    def remove(self, user_id: str, key_id: str) -> bool:
        """Remove a key of the user; return whether there was one."""
        where = "DELETE FROM api_keys WHERE user_id = %s AND id = %s"
        return bool(self._database.write(where, (user_id, key_id)))


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _read(row: tuple[Any, ...]) -> ApiKey:
    key_id, user_id, name, scopes, *times = row
    return ApiKey(key_id, user_id, name, parse_scopes(scopes), *times)
