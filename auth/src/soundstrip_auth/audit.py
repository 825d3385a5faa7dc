"""Who did what to whom: rows in MySQL, and a line in the log for each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec
import structlog

from soundstrip_auth.database import Database

_INSERT = (
    "INSERT INTO audit (actor, action, subject, address, request_id) VALUES (%s, %s, %s, %s, %s)"
)
_COLUMNS = "SELECT id, at, actor, action, subject, address, request_id FROM audit"
_PAGE = _COLUMNS + " WHERE %s IS NULL OR id < %s ORDER BY id DESC LIMIT %s"

log = structlog.get_logger("soundstrip.audit")


class Action(StrEnum):
    """What was done."""

    LOGGED_IN = "logged in"
    LOGIN_REFUSED = "login refused"
    SESSION_ENDED = "session ended"
    SESSIONS_ENDED = "sessions ended"
    REFRESH_TOKEN_REUSED = "refresh token reused"  # noqa: S105 - what happened
    PASSWORD_CHANGED = "password changed"  # noqa: S105
    PASSWORD_RESET = "password reset"  # noqa: S105
    API_KEY_MADE = "API key made"
    API_KEY_DELETED = "API key deleted"
    USER_INVITED = "user invited"
    INVITATION_WITHDRAWN = "invitation withdrawn"
    USER_REGISTERED = "user registered"
    USER_MADE = "user made"
    ROLE_CHANGED = "role changed"
    USER_DISABLED = "user disabled"
    USER_ENABLED = "user enabled"
    USER_DELETED = "user deleted"
    USER_UNLOCKED = "user unlocked"


@dataclass(frozen=True)
class Origin:
    """Where a request comes from, and what it is called in the log."""

    address: str
    request_id: str


class Entry(msgspec.Struct, frozen=True, rename="camel"):
    """What was done: `actor` and `subject` are ids; `subject` may be an e-mail address too.

    `action` may be one that a later version knows, whose replica wrote it.
    """

    id: int
    at: datetime
    actor: str | None
    action: str
    subject: str | None
    address: str
    request_id: str


class AuditLog:
    """The table `audit`. Without MySQL DatabaseUnavailable is raised; the log has its line then."""

    def __init__(self, database: Database, origin: Callable[[], Origin]) -> None:
        self._database = database
        self._origin = origin

    def record(self, action: Action, actor: str | None, subject: str | None = None) -> None:
        """Record what `actor` did to `subject`: nothing of either may be a secret."""
        origin = self._origin()
        log.info(action.value, actor=actor, subject=subject, remote=origin.address)
        row = (actor, action.value, subject, origin.address, origin.request_id)
        self._database.write(_INSERT, row)

    def page(self, before: int | None, limit: int) -> list[Entry]:
        """Return so many entries at most, the newest first, from the one before this id on."""
        rows = self._database.read(_PAGE, (before, before, limit))
        return [Entry(*row) for row in rows]
