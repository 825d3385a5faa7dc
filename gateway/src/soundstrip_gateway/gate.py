"""The gate before the intake: is it open, and is there room in the user's quotas.

Room is granted before it is used, from one account for all replicas: two uploads at once can't
both have the last of it.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog

from soundstrip_gateway.accounts import Accounts
from soundstrip_gateway.allowances import Allowances
from soundstrip_gateway.charges import Charges
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.excesses import refuse_excess, refuse_paused
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
from soundstrip_gateway.valve import Valve
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import StorageUnavailable

log = structlog.get_logger("soundstrip.gateway")

_HOLD = timedelta(hours=1)
"""What a gateway that dies has held is free again after this; who lasts longer asks again."""

_TRIES = 30
_MAX_PAUSE_SECONDS = 0.05


@dataclass
class Ticket:
    """What one upload may take, until it is released."""

    caller: Caller
    quota: Quota
    most: int
    """Bytes that it may have before it has to be confirmed, whatever length was told."""
    hold_id: str
    is_held: bool = False
    charged: list[str] = field(default_factory=list)
    """The conversions that were written down for it."""


class Gate:
    """Grants tickets."""

    def __init__(
        self,
        valve: Valve,
        allowances: Allowances,
        accounts: Accounts,
        charges: Charges,
        holdings: Holdings,
        *,
        ceiling: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take who is asked; `ceiling` is the most bytes that any upload may have."""
        self._valve = valve
        self._allowances = allowances
        self._accounts = accounts
        self._charges = charges
        self._holdings = holdings
        self._ceiling = ceiling
        self._clock = clock

    def admit(self, caller: Caller, size: int | None) -> None:
        """Return if an upload of this size may come now; nothing is held for it.

        Raises:
            Problem: As `hold`.
        """
        self.release(self.open_ticket(caller, size))

    @contextmanager
    def hold(
        self, caller: Caller, length: int | None, until: datetime | None = None
    ) -> Iterator[Ticket]:
        """Let an upload of this length in, and hold room for it until the block ends.

        If the block raises, nothing was used. A length that is not known is asked for by
        `confirm`, when it is.

        Raises:
            Problem: 503 while the intake is paused; 413, 403 or 429 for the quota that is used up.
            StorageUnavailable: If MongoDB is away.
            ClusterUnavailable: If the API server is, and the quota limits unfinished conversions.
        """
        ticket = self.open_ticket(caller, length, until)
        try:
            yield ticket
        except BaseException:
            self._take_back(ticket)
            raise
        finally:
            self.release(ticket)

    def open_ticket(
        self, caller: Caller, length: int | None, until: datetime | None = None
    ) -> Ticket:
        """Grant a ticket, as `hold` does, to somebody who releases it, or whose time ends."""
        self.check_open()
        quota = self._allowances.of(caller)
        ticket = Ticket(caller, quota, self._ceiling, uuid4().hex)
        self._grant(ticket, Ask(bytes=length or 0), until)
        return ticket

    def check_open(self) -> None:
        """Return if new work is taken in.

        Raises:
            Problem: 503 while it is paused.
        """
        state = self._valve.state()
        if state.paused:
            raise refuse_paused(state.reason)

    def watch(self, ticket: Ticket, length: int) -> None:
        """Look at how long an upload has become whose length nobody has told.

        Raises:
            Problem: As `hold`, when there is no room for so much.
        """
        if length > ticket.most:
            self.confirm(ticket, length)

    def confirm(
        self,
        ticket: Ticket,
        length: int | None,
        seconds: float | None = None,
        conversions: int = 1,
    ) -> None:
        """Ask for what it has become, in the place of what was thought before.

        `length` is None where the file stands already, for it is counted there. Each of several
        conversions counts its seconds.

        Raises:
            Problem: As `hold`.
        """
        self._grant(ticket, Ask(length, conversions, (seconds or 0.0) * conversions))

    @contextmanager
    def hold_further(
        self, caller: Caller, names: Sequence[str], seconds: float | None
    ) -> Iterator[None]:
        """Let conversions be made of a file that stands; if the block raises, none was begun.

        Raises:
            Problem: As `hold`.
        """
        with self.hold(caller, None) as ticket:
            self.confirm(ticket, None, seconds, len(names))
            for name in names:
                self.charge(ticket, name, seconds)
            yield

    def charge(self, ticket: Ticket, name: str, seconds: float | None) -> None:
        """Write a conversion down among those of the day, before it is created."""
        if self._charges.put(name, ticket.caller.id, self._clock(), seconds):
            ticket.charged.append(name)

    def release(self, ticket: Ticket) -> None:
        """Give up the hold: what it was for stands, or will never come."""
        if not ticket.is_held:
            return
        try:
            self._accounts.drop(ticket.caller.id, ticket.hold_id)
        except StorageUnavailable as error:
            log.warning("a hold is left until its time ends", error=str(error))
        ticket.is_held = False

    def quota_of(self, caller: Caller) -> Quota:
        """Return the caller's limits."""
        return self._allowances.of(caller)

    def usage_of(self, user: str) -> Usage:
        """Return what a user has."""
        holds, now = self._accounts.read(user).holds, self._clock()
        return sum_up(self._holdings.of(user, _begin_day(now), EVERYTHING), holds, now)

    def _grant(self, ticket: Ticket, ask: Ask, until: datetime | None = None) -> None:
        """The account is read before the facts: what leaves it in between is among them."""
        for _ in range(_TRIES):
            now = self._clock()
            account = self._accounts.read(ticket.caller.id)
            others = [h for h in account.holds if h.id != ticket.hold_id and h.expires_at > now]
            facts = self._holdings.of(ticket.caller.id, _begin_day(now), ticket.quota)
            usage = sum_up(facts, others, now)
            if excess := find_excess(ticket.quota, usage, ask):
                raise refuse_excess(excess, ask, now)
            ticket.most = most_bytes(ticket.quota, usage, self._ceiling)
            if not _needs_hold(ticket.quota):
                return
            hold = Hold(ticket.hold_id, ask, until or now + _HOLD)
            if self._accounts.write(account, [*others, hold]):
                ticket.is_held = True
                return
            time.sleep(random.uniform(0, _MAX_PAUSE_SECONDS))  # noqa: S311 - jitter
        raise StorageUnavailable("too many uploads of one user began at once")

    def _take_back(self, ticket: Ticket) -> None:
        try:
            for name in ticket.charged:
                self._charges.remove(name)
        except StorageUnavailable as error:
            log.warning("a conversion that was not made counts for today", error=str(error))


def build_gate(
    database: Documents, cluster: Cluster, allowances: Allowances, valve: Valve, *, ceiling: int
) -> Gate:
    """Return a gate over these stores."""
    charges = Charges(database)
    holdings = Holdings(database, cluster, charges)
    return Gate(valve, allowances, Accounts(database), charges, holdings, ceiling=ceiling)


def _needs_hold(quota: Quota) -> bool:
    limits = (quota.bytes, quota.conversions_per_day, quota.media_minutes_per_day, quota.concurrent)
    return any(limit is not None for limit in limits)


def _begin_day(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
