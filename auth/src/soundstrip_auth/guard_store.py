"""Failures to log in, counted in MySQL, so that all replicas count together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from soundstrip_auth.database import Database, Statements
from soundstrip_auth.guard import (
    FORGOTTEN_AFTER,
    Mark,
    Record,
    TooManyAttempts,
    is_slow,
    seconds_left,
    wait_after,
)

_KNOWN_DAYS = 90
_READ = (
    "SELECT failures, last_at, TIMESTAMPDIFF(MICROSECOND, last_at, NOW(6)) FROM failures"
    " WHERE mark = %s"
)
_CLAIM = (
    "UPDATE failures SET failures = failures + 1, last_at = NOW(6)"
    " WHERE mark = %s AND failures = %s AND last_at = %s"
)
_COUNT = (
    "INSERT INTO failures (mark, failures, last_at) VALUES (%s, 1, NOW(6))"
    " ON DUPLICATE KEY UPDATE"
    " failures = IF(last_at < NOW(6) - INTERVAL %s SECOND, 1, failures + 1), last_at = NOW(6)"
)
_UNCOUNT = "UPDATE failures SET failures = failures - 1 WHERE mark = %s AND failures > 0"
_KNOWN = (
    "SELECT 1 FROM known_addresses WHERE user_id = %s AND address = %s"
    " AND used_at > NOW(6) - INTERVAL %s DAY"
)
_REMEMBER = (
    "INSERT INTO known_addresses (user_id, address, used_at) VALUES (%s, %s, NOW(6))"
    " ON DUPLICATE KEY UPDATE used_at = NOW(6)"
)


@dataclass(frozen=True)
class Admission:
    """An attempt that may be made; what is `claimed` has counted it as a failure already."""

    marks: tuple[Mark, ...]
    claimed: frozenset[Mark]


class GuardStore:
    """The tables `failures` and `known_addresses`; without MySQL DatabaseUnavailable is raised."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def knows(self, user_id: str, address: str) -> bool:
        """Return whether the user has logged in from this address within the last 90 days."""
        return bool(self._database.read(_KNOWN, (user_id, address, _KNOWN_DAYS)))

    def known_addresses(self, user_id: str) -> list[str]:
        """Return the addresses from which the user has logged in."""
        found = self._database.read(
            "SELECT address FROM known_addresses WHERE user_id = %s", (user_id,)
        )
        return [address for (address,) in found]

    def admit(self, marks: Sequence[Mark]) -> Admission:
        """Let an attempt in.

        Once failures have to be waited for, one attempt at a time is let in, and counts as failed
        until it succeeds: many at once are no way around the wait.

        Raises:
            TooManyAttempts: If it has to wait.
        """
        with self._database.statements() as statements:
            counts = {mark: count for mark in marks for count in _look(statements, mark)}
            left = max((c.seconds_left(mark) for mark, c in counts.items()), default=0.0)
            if left > 0:
                raise TooManyAttempts(left)
            slow = {mark: count for mark, count in counts.items() if count.is_slow(mark)}
            for mark, count in slow.items():
                _claim(statements, mark, count)
        return Admission(tuple(marks), frozenset(slow))

    def fail(self, admission: Admission) -> None:
        """Count the attempt as failed."""
        with self._database.statements() as statements:
            for mark in admission.marks:
                if mark not in admission.claimed:
                    statements.write(_COUNT, (mark.digest, int(FORGOTTEN_AFTER)))

    def succeed(self, admission: Admission, user_id: str, address: str) -> None:
        """Forget the failures of what succeeded, but for those of its address."""
        with self._database.statements() as statements:
            for mark in admission.marks:
                _excuse(statements, mark, was_claimed=mark in admission.claimed)
            statements.write(_REMEMBER, (user_id, address))

    def forget(self, marks: Iterable[Mark]) -> None:
        """Let the next attempts be made at once."""
        with self._database.statements() as statements:
            for mark in marks:
                statements.write("DELETE FROM failures WHERE mark = %s", (mark.digest,))

    def seconds_left(self, marks: Sequence[Mark]) -> float:
        """Return how long an attempt would have to wait."""
        with self._database.statements() as statements:
            waits = [c.seconds_left(mark) for mark in marks for c in _look(statements, mark)]
        return max(waits, default=0.0)


@dataclass(frozen=True)
class _Count:
    """A row as it was when it was read: whoever changes it changes `last_at`."""

    failures: int
    last_at: datetime
    age: float

    def seconds_left(self, mark: Mark) -> float:
        return seconds_left(Record(self.failures, self.age), mark.pace)

    def is_slow(self, mark: Mark) -> bool:
        return is_slow(Record(self.failures, self.age), mark.pace)


def _look(statements: Statements, mark: Mark) -> list[_Count]:
    """Return the row of the mark, if there is one."""
    rows = statements.read(_READ, (mark.digest,))
    return [_Count(failures, last_at, micros / 1e6) for failures, last_at, micros in rows]


def _claim(statements: Statements, mark: Mark, count: _Count) -> None:
    """Count a failure beforehand; if another attempt was quicker, this one waits for its end."""
    if not statements.write(_CLAIM, (mark.digest, count.failures, count.last_at)):
        raise TooManyAttempts(wait_after(count.failures + 1, mark.pace))


def _excuse(statements: Statements, mark: Mark, *, was_claimed: bool) -> None:
    if mark.pace.is_kept_after_success:
        if was_claimed:
            statements.write(_UNCOUNT, (mark.digest,))
    else:
        statements.write("DELETE FROM failures WHERE mark = %s", (mark.digest,))
