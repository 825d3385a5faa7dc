"""Room in a user's quotas, granted before it is used, from one account for all replicas.

So two uploads at once can't both have the last of it.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from soundstrip_gateway.accounts import Accounts
from soundstrip_gateway.excesses import refuse_crowd, refuse_excess
from soundstrip_gateway.holdings import EVERYTHING, Holdings
from soundstrip_gateway.quotas import (
    Ask,
    Hold,
    Quota,
    Usage,
    find_excess,
    most_bytes,
    sum_up,
)
from soundstrip_gateway.tokens import Caller
from soundstrip_storage.errors import StorageUnavailable

log = structlog.get_logger("soundstrip.gateway")

_HOLD = timedelta(hours=1)
"""What a gateway that dies has held is free again after this; who lasts longer asks again."""

_MOST_HOLDS = 1000
"""Of one user, in one document."""

_TRIES = 30
_MAX_PAUSE_SECONDS = 0.05


@dataclass
class Ticket:
    """What one request may take, until it is released."""

    caller: Caller
    quota: Quota
    most: int
    """Bytes that it may have before it has to be confirmed, whatever length was told."""
    hold_id: str
    until: datetime | None = None
    """Of an upload that comes in several requests: how long its bytes are kept free."""
    is_held: bool = False
    charged: set[str] = field(default_factory=set)
    """The charges that were written down for it, and go if it comes to nothing."""

    def keep(self, charge: str) -> None:
        """Let a charge stay, whatever becomes of the others: what it is for stands."""
        self.charged.discard(charge)


class Rooms:
    """Grants room. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(
        self,
        accounts: Accounts,
        holdings: Holdings,
        *,
        ceiling: int,
        clock: Callable[[], datetime],
    ) -> None:
        """Take who is asked; `ceiling` is the most bytes that any upload may have."""
        self.ceiling = ceiling
        self._accounts = accounts
        self._holdings = holdings
        self._clock = clock

    def grant(self, ticket: Ticket, ask: Ask) -> None:
        """Hold room for what is asked, in the place of what the ticket has held before.

        The account is read before the facts: what leaves it in between is among them.

        Raises:
            Problem: 413, 403 or 429 for the quota that is used up.
            ClusterUnavailable: If the API server is away, and the quota limits unfinished ones.
        """
        if ticket.quota == Quota():
            ticket.most = self.ceiling
            return
        for _ in range(_TRIES):
            now = self._clock()
            account = self._accounts.read(ticket.caller.id)
            others = [h for h in account.holds if h.id != ticket.hold_id and h.expires_at > now]
            self._judge(ticket, ask, others, now)
            if not _needs_hold(ticket.quota):
                return
            if len(others) >= _MOST_HOLDS:
                raise refuse_crowd(_MOST_HOLDS)
            if self._accounts.write(account, [*others, _hold(ticket, ask, now)]):
                ticket.is_held = True
                return
            time.sleep(random.uniform(0, _MAX_PAUSE_SECONDS))  # noqa: S311 - jitter
        raise StorageUnavailable("too many uploads of one user began at once")

    def prolong(self, ticket: Ticket, ask: Ask) -> None:
        """Keep what was granted until the ticket's new time, or grant it, if it was not."""
        owner, now = ticket.caller.id, self._clock()
        wanted = _hold(ticket, ask, now)
        if not (_needs_hold(ticket.quota) and self._accounts.prolong(owner, wanted, now)):
            self.grant(ticket, ask)

    def free(self, owner: str, hold_id: str) -> None:
        """Give up a hold: what it was for stands, or will never come."""
        try:
            self._accounts.drop(owner, hold_id)
        except StorageUnavailable as error:
            log.warning("a hold is left until its time ends", error=str(error))

    def usage_of(self, user: str) -> Usage:
        """Return what a user has."""
        holds, now = self._accounts.read(user).holds, self._clock()
        return sum_up(self._holdings.of(user, _begin_day(now), EVERYTHING), holds, now)

    def _judge(self, ticket: Ticket, ask: Ask, others: list[Hold], now: datetime) -> None:
        facts = self._holdings.of(ticket.caller.id, _begin_day(now), ticket.quota)
        usage = sum_up(facts, others, now)
        if excess := find_excess(ticket.quota, usage, ask):
            raise refuse_excess(excess, ask, now)
        several = ask.largest is not None
        ticket.most = most_bytes(ticket.quota, usage, self.ceiling, several=several)


def _hold(ticket: Ticket, ask: Ask, now: datetime) -> Hold:
    """An upload that may never be whole has bytes, and begins no conversion before it is."""
    if ticket.until is None:
        return Hold(ticket.hold_id, ask, now + _HOLD)
    return Hold(ticket.hold_id, replace(ask, conversions=0, seconds=0.0), ticket.until)


def _needs_hold(quota: Quota) -> bool:
    limits = (quota.bytes, quota.conversions_per_day, quota.media_minutes_per_day, quota.concurrent)
    return any(limit is not None for limit in limits)


def _begin_day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
