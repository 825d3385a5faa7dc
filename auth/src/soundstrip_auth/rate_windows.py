"""Requests, counted in MySQL, so that all replicas count together."""

import hashlib

from soundstrip_auth.database import Database
from soundstrip_service.limiter import Windows

_MOMENT = (
    "(SELECT UNIX_TIMESTAMP(NOW(6)) DIV %s AS number,"
    " 1 - MOD(UNIX_TIMESTAMP(NOW(6)), %s) / %s AS rest) AS moment"
)
"""The number of the window that it is now, and how much of it is left, from 1 to 0."""

_HIT = (
    "INSERT INTO rates (mark, number, earlier, hits, allowed, ends_at)"  # noqa: S608 - ours
    " SELECT %s, moment.number, 0, %s, LAST_INSERT_ID(1),"
    f" FROM_UNIXTIME((moment.number + 2) * %s) FROM {_MOMENT}"
    " ON DUPLICATE KEY UPDATE"
    " earlier = CASE rates.number WHEN moment.number THEN rates.earlier"
    " WHEN moment.number - 1 THEN rates.hits ELSE 0 END,"
    " hits = IF(rates.number = moment.number, rates.hits, 0),"
    " number = moment.number,"
    " ends_at = FROM_UNIXTIME((moment.number + 2) * %s),"
    " allowed = LAST_INSERT_ID(FLOOR(rates.earlier * moment.rest) + rates.hits + %s <= %s),"
    " hits = rates.hits + rates.allowed * %s"
)
"""Each of the changes sees those before it. One statement, so two requests can't both be last."""

_LOOK = (
    "SELECT CASE rates.number WHEN moment.number THEN earlier"  # noqa: S608 - ours
    " WHEN moment.number - 1 THEN hits ELSE 0 END,"
    " IF(rates.number = moment.number, hits, 0), moment.rest"
    f" FROM rates, {_MOMENT} WHERE mark = %s"
)


class RateWindows(Windows):
    """The table `rates`, as a storage of the library `limits`.

    A row holds the requests of this window, which are those of one sender by one limit, and of the
    window before. Every method raises DatabaseUnavailable when MySQL cannot be used.
    """

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        """Count, unless the limit is used up; return whether it was counted."""
        if amount > limit:
            return False
        first = (_digest(key), amount, expiry, expiry, expiry, expiry)
        then = (expiry, amount, limit, amount)
        with self._database.statements() as statements:
            return bool(statements.evaluate(_HIT, first + then))

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """Return the count of the window before and its seconds left, and the same of this one."""
        found = self._database.read(_LOOK, (expiry, expiry, expiry, _digest(key)))
        earlier, hits, rest = found[0] if found else (0, 0, 0)
        left = float(rest) * expiry
        return int(earlier), left if earlier else 0.0, int(hits), left + expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget what was counted."""
        self._database.write("DELETE FROM rates WHERE mark = %s", (_digest(key),))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
