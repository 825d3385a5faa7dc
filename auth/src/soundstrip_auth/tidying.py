"""Rows that nobody needs any longer go, some at a time."""

from dataclasses import dataclass
from datetime import timedelta

from soundstrip_auth.database import Database, Statements
from soundstrip_auth.guard import FORGOTTEN_AFTER
from soundstrip_auth.outbox import QUIET
from soundstrip_auth.sessions import Lifetimes

_AT_ONCE = 1000
_MOST_TIMES = 100
_KNOWN = timedelta(days=90)
_RATES = timedelta(hours=1)
"""Longer than need be: a row that is taken up again at that moment would be in the way."""
_PAST = "NOW(6) - INTERVAL %s SECOND"


@dataclass(frozen=True)
class Tidying:
    """Removes what is over."""

    database: Database
    lifetimes: Lifetimes
    audit: timedelta

    def tidy(self) -> None:
        """Remove at most a hundred thousand rows of each kind, a thousand at a time.

        Raises:
            DatabaseUnavailable: If MySQL cannot be used.
        """
        with self.database.statements() as statements:
            for condition, age in self._conditions().items():
                _remove(statements, condition, int(age.total_seconds()))

    def _conditions(self) -> dict[str, timedelta]:
        return {
            f"sessions WHERE used_at < {_PAST}": self.lifetimes.idle,
            f"sessions WHERE created_at < {_PAST}": self.lifetimes.session,
            f"failures WHERE last_at < {_PAST}": timedelta(seconds=FORGOTTEN_AFTER),
            f"known_addresses WHERE used_at < {_PAST}": _KNOWN,
            f"vouchers WHERE expires_at < {_PAST}": timedelta(),
            f"invitations WHERE expires_at < {_PAST}": timedelta(),
            f"rates WHERE ends_at < {_PAST}": _RATES,
            f"letters WHERE done_at < {_PAST}": QUIET,
            f"audit WHERE at < {_PAST}": self.audit,
        }


def _remove(statements: Statements, condition: str, seconds: int) -> None:
    removal = f"DELETE FROM {condition} LIMIT {_AT_ONCE}"  # noqa: S608 - ours
    for _ in range(_MOST_TIMES):
        if statements.write(removal, (seconds,)) < _AT_ONCE:
            return
