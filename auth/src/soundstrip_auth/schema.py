"""Brings the database to what this version expects, however many replicas start at once."""

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import structlog

from soundstrip_auth.database import Database, DatabaseUnavailable

_LOCK_WAIT_SECONDS = 1
_STEP_SECONDS = 60
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INT UNSIGNED NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    applied_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE=InnoDB
"""

log = structlog.get_logger("soundstrip.auth")


@dataclass(frozen=True)
class Migration:
    """One step; versions are numbered from 1 without gaps."""

    version: int
    name: str
    statement: str


def read_migrations() -> tuple[Migration, ...]:
    """Return this version's steps in their order."""
    found = [
        _parse(entry.name, entry.read_text(encoding="utf-8"))
        for entry in files("soundstrip_auth.migrations").iterdir()
        if entry.name.endswith(".sql")
    ]
    return tuple(sorted(found, key=lambda migration: migration.version))


def find_pending(known: Sequence[Migration], applied: Collection[int]) -> list[Migration]:
    """Return the steps that are still to be done; steps of a newer version are let be."""
    return [migration for migration in known if migration.version not in applied]


def migrate(database: Database, wait_seconds: float = 60) -> None:
    """Do the steps that are still to be done, one process at a time.

    Raises:
        DatabaseUnavailable: If MySQL fails, or another process holds the lock for too long.
    """
    deadline = time.monotonic() + wait_seconds
    with (
        database.connect(answer_seconds=_STEP_SECONDS) as connection,
        connection.cursor() as cursor,
        _lock(cursor, _lock_name(database.name), deadline),
    ):
        cursor.execute(_LEDGER)
        cursor.execute("SELECT version FROM schema_migrations")
        applied = {version for (version,) in cursor.fetchall()}
        for migration in find_pending(read_migrations(), applied):
            _apply(cursor, migration)


def _apply(cursor: Any, migration: Migration) -> None:  # noqa: ANN401 - the driver is untyped here
    cursor.execute(migration.statement)
    cursor.execute(
        "INSERT INTO schema_migrations (version, name) VALUES (%s, %s)",
        (migration.version, migration.name),
    )
    log.info("migrated", version=migration.version, name=migration.name)


@contextmanager
def _lock(cursor: Any, name: str, deadline: float) -> Iterator[None]:  # noqa: ANN401 - see above
    """Hold MySQL's lock of this name; it falls with the connection, should we be killed."""
    while not _acquire(cursor, name):
        if time.monotonic() > deadline:
            raise DatabaseUnavailable("Another process holds the lock of the migrations.")
    yield
    cursor.execute("SELECT RELEASE_LOCK(%s)", (name,))
    cursor.fetchall()


def _acquire(cursor: Any, name: str) -> bool:  # noqa: ANN401 - see above
    cursor.execute("SELECT GET_LOCK(%s, %s)", (name, _LOCK_WAIT_SECONDS))
    ((acquired,),) = cursor.fetchall()
    return bool(acquired)


def _lock_name(database: str) -> str:
    """Return a name of at most 64 characters: locks are the server's, not the database's."""
    return f"soundstrip_auth.{hashlib.sha256(database.encode()).hexdigest()[:32]}"


def _parse(filename: str, text: str) -> Migration:
    number, _, name = filename.removesuffix(".sql").partition("_")
    return Migration(int(number), name, text.strip())
