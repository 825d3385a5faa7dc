"""Whether new work is taken in: an administrator can pause it, for all replicas."""

from dataclasses import dataclass
from datetime import UTC, datetime

from soundstrip_gateway.memory import Memory
from soundstrip_storage.books import SWITCHES
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import storage_errors

_KEY = "intake"
_SECONDS = 2.0
"""How long another replica goes on by what was said before."""


@dataclass(frozen=True)
class IntakeState:
    """Whether the intake is paused, why, and who said so when."""

    paused: bool = False
    reason: str = ""
    by: str | None = None
    at: datetime | None = None


class Valve:
    """The switch. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, database: Documents) -> None:
        self._switches = database[SWITCHES]
        self._memory: Memory[str, IntakeState] = Memory(_SECONDS, self._load)

    def state(self) -> IntakeState:
        """Return what holds, at most two seconds late."""
        return self._memory.get(_KEY)

    def turn(self, state: IntakeState) -> IntakeState:
        """Let this hold from now on."""
        entry = {
            "paused": state.paused,
            "reason": state.reason,
            "by": state.by,
            "at": state.at or datetime.now(UTC),
        }
        with storage_errors():
            self._switches.replace_one({"_id": _KEY}, entry, upsert=True)
        self._memory.forget(_KEY)
        return self._load(_KEY)

    def _load(self, key: str) -> IntakeState:
        with storage_errors():
            entry = self._switches.find_one({"_id": key})
        if entry is None:
            return IntakeState()
        return IntakeState(entry["paused"], entry["reason"], entry["by"], entry["at"])
