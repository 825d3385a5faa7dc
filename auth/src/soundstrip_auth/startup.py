"""What is done before the service serves: MySQL is awaited, migrated, and given its first user."""

import random
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.database import Database, DatabaseUnavailable
from soundstrip_auth.schema import migrate
from soundstrip_auth.users import Role, UserExists

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0

log = structlog.get_logger("soundstrip.auth")


def prepare_database(database: Database, wait_seconds: float) -> None:
    """Bring the database up to date; wait for a MySQL that isn't up yet.

    Raises:
        DatabaseUnavailable: If it cannot be used within the time.
    """
    deadline = time.monotonic() + wait_seconds
    attempt = 0
    while not _try(lambda: migrate(database), deadline):
        time.sleep(pause_before(attempt, random.random()))  # noqa: S311 - jitter is no secret
        attempt += 1


def pause_before(attempt: int, jitter: float) -> float:
    """Return the seconds to wait before the attempt after this one; `jitter` is in [0, 1)."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 16))
    return float(longest * (0.5 + jitter / 2))


def begin_rotation(database: Database) -> datetime:
    """Return since when the keys of tokens rotate here; that is now, if they don't yet.

    Raises:
        DatabaseUnavailable: If MySQL cannot be used.
    """
    with database.statements() as statements:
        statements.write("INSERT IGNORE INTO rotation (id) VALUES (1)")
        [(began_at,)] = statements.read("SELECT began_at FROM rotation WHERE id = 1")
    return began_at  # type: ignore[no-any-return]  # the column is a TIMESTAMP


def create_first_user(accounts: Accounts, name: str, email: str, password: str) -> None:
    """Make the first user, unless somebody has the name or the e-mail: who exists, stays as is."""
    try:
        user = accounts.create(name, email, password, Role.USER)
        log.info("made the first user", user=user.id)
    except UserExists:
        log.info("the first user is there")


def _try(action: Callable[[], None], deadline: float) -> bool:
    try:
        action()
    except DatabaseUnavailable as error:
        if time.monotonic() >= deadline:
            raise
        log.warning("waiting for MySQL", reason=str(error))
        return False
    return True
