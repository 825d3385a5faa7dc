"""Letters that are to be written: to whom and what for, never with a secret. In MySQL."""

from dataclasses import dataclass
from datetime import timedelta

from soundstrip_auth.database import Database, Statements
from soundstrip_auth.vouchers import Purpose

PAUSES = (10, 60, 300, 900)
"""Seconds before each further try; then the letter is given up: its token would be too old."""

MOST_ATTEMPTS = len(PAUSES) + 1

QUIET = timedelta(minutes=5)
"""Nobody gets the same letter again sooner, however often it is asked for."""

_HELD_SECONDS = 660
"""A letter is one replica's for so long: a mail server may take ten minutes to accept it."""

_QUIET_SECONDS = int(QUIET.total_seconds())
_ADD = (
    "INSERT INTO letters (purpose, email) VALUES (%s, %s) ON DUPLICATE KEY UPDATE"
    " attempts = IF(done_at < NOW(6) - INTERVAL %s SECOND, 0, attempts),"
    " next_at = IF(done_at < NOW(6) - INTERVAL %s SECOND, NOW(6), next_at),"
    " done_at = IF(done_at < NOW(6) - INTERVAL %s SECOND, NULL, done_at)"
)
_DUE = (
    "SELECT purpose, email, attempts FROM letters WHERE done_at IS NULL AND next_at <= NOW(6)"
    " ORDER BY next_at LIMIT 20"
)
_HOLD = (
    "UPDATE letters SET attempts = attempts + 1, next_at = NOW(6) + INTERVAL %s SECOND"
    " WHERE purpose = %s AND email = %s AND attempts = %s AND done_at IS NULL"
    " AND next_at <= NOW(6)"
)


@dataclass(frozen=True)
class Commission:
    """A letter to be written; `attempts` counts the tries so far, this one among them."""

    purpose: Purpose
    email: str
    attempts: int


class Outbox:
    """The table `letters`. Every method raises DatabaseUnavailable when MySQL cannot be used."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, purpose: Purpose, email: str) -> None:
        """Have a letter written, unless the same waits or went out a short while ago."""
        self._database.write(_ADD, _addition(purpose, email))

    def take(self) -> Commission | None:
        """Return a letter that is due, if there is one; no other replica gets it for a while."""
        with self._database.statements() as statements:
            for purpose, email, attempts in statements.read(_DUE):
                if statements.write(_HOLD, (_HELD_SECONDS, purpose, email, attempts)):
                    return Commission(Purpose(purpose), email, attempts + 1)
        return None

    def finish(self, letter: Commission) -> None:
        """Have the letter written no more: it is sent, or there is nothing to send."""
        self._change(letter, "done_at = NOW(6)")

    def postpone(self, letter: Commission) -> bool:
        """Have it tried again later; return whether it will be, or was tried often enough."""
        if letter.attempts >= MOST_ATTEMPTS:
            self.finish(letter)
            return False
        pause = PAUSES[letter.attempts - 1]
        self._change(letter, f"next_at = NOW(6) + INTERVAL {pause} SECOND")
        return True

    def _change(self, letter: Commission, what: str) -> None:
        """Change it as it was taken: who withdrew it meanwhile may have asked for another one."""
        where = " WHERE purpose = %s AND email = %s AND attempts = %s"
        parameters = (letter.purpose.value, letter.email, letter.attempts)
        self._database.write(f"UPDATE letters SET {what}{where}", parameters)  # noqa: S608 - ours


def add_letter(statements: Statements, purpose: Purpose, email: str) -> None:
    """Have a letter written, unless the same waits or went out a short while ago."""
    statements.write(_ADD, _addition(purpose, email))


def _addition(purpose: Purpose, email: str) -> tuple[str | int, ...]:
    return (purpose.value, email, *[_QUIET_SECONDS] * 3)
