"""What the gateway keeps books of: limits, quotas, what an administrator said and did."""

from collections.abc import Mapping

from soundstrip_storage.connection import Documents
from soundstrip_storage.layout import Bucket

RATE_COUNTERS = "rateCounters"
RATE_WINDOWS = "rateWindows"
"""The rate limiter's two, in the form of the library `limits`."""

ACCOUNTS = "accounts"
"""`{_id: the user's id, version, holds: [{id, bytes, conversions, seconds, expiresAt}]}`"""

CHARGES = "charges"
"""`{_id: the conversion's name, owner, at, seconds}`; `seconds` is null while nobody knows."""

QUOTAS = "quotas"
"""`{_id: the user's id, quota, by, at}`: what an administrator allows one user."""

SWITCHES = "switches"
"""`{_id: "intake", paused, reason, by, at}`"""

SWEEPS = "sweeps"
"""`{_id: the installation, requestedAt, requestedBy, startedAt, finishedAt, tally, stopped}`"""

AUDIT = "audit"
"""`{at, actor, name, action, target, detail, requestId, address}`"""

BOOKS = (RATE_COUNTERS, RATE_WINDOWS, ACCOUNTS, CHARGES, QUOTAS, SWITCHES, SWEEPS, AUDIT)

_DAY = 86_400
_CHARGE_DAYS = 40
_AUDIT_DAYS = 400

_READ_AND_WRITE = ("find", "insert", "update", "remove")

GATEWAY_RIGHTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((ACCOUNTS, CHARGES, QUOTAS, SWITCHES, SWEEPS), _READ_AND_WRITE),
    AUDIT: ("find", "insert"),
    # The library makes its index when it starts, whether there is one or not.
    **dict.fromkeys((RATE_COUNTERS, RATE_WINDOWS), (*_READ_AND_WRITE, "createIndex")),
    "": ("dbStats",),
}
"""Nobody changes or removes what the audit log has; it ends by its age."""


def index_books(database: Documents) -> None:
    """Make the indexes, also those by which what is old ends."""
    for name in (RATE_COUNTERS, RATE_WINDOWS):
        database[name].create_index("expireAt", expireAfterSeconds=0)
    database[CHARGES].create_index([("owner", 1), ("at", 1)])
    database[CHARGES].create_index("at", expireAfterSeconds=_CHARGE_DAYS * _DAY)
    database[AUDIT].create_index("at", expireAfterSeconds=_AUDIT_DAYS * _DAY)
    for bucket in Bucket:
        database[bucket.files].create_index([("metadata.owner", 1), ("length", 1)])
