"""The gate before the intake: is it open, and is there room in the user's quotas."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from soundstrip_gateway.accounts import Accounts
from soundstrip_gateway.allowances import Allowances
from soundstrip_gateway.charges import Charge, Charges
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.excesses import refuse_paused
from soundstrip_gateway.holdings import Holdings
from soundstrip_gateway.quotas import Ask, Quota, Usage
from soundstrip_gateway.rooms import Rooms, Ticket
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.valve import Valve
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import StorageUnavailable

log = structlog.get_logger("soundstrip.gateway")


class Gate:
    """Grants tickets."""

    def __init__(
        self,
        valve: Valve,
        allowances: Allowances,
        rooms: Rooms,
        charges: Charges,
        clock: Callable[[], datetime],
    ) -> None:
        self._valve = valve
        self._allowances = allowances
        self._rooms = rooms
        self._charges = charges
        self._clock = clock

    @contextmanager
    def hold(self, caller: Caller, ask: Ask = Ask()) -> Iterator[Ticket]:  # noqa: B008 - frozen
        """Let somebody in, and hold room for what is asked until the block ends.

        If the block raises, nothing was used, but what the ticket keeps. A length that is not
        known is 0, and asked for by `confirm` when it is.

        Raises:
            Problem: 503 while the intake is paused; 413, 403 or 429 for the quota that is used up.
            StorageUnavailable: If MongoDB is away.
            ClusterUnavailable: If the API server is, and the quota limits unfinished conversions.
        """
        self.check_open()
        ticket = self._ticket(caller, uuid4().hex)
        try:
            self._rooms.grant(ticket, ask)
            yield ticket
        except BaseException:
            self._take_back(ticket)
            raise
        finally:
            if ticket.is_held:
                self._rooms.free(caller.id, ticket.hold_id)

    def check_open(self) -> None:
        """Return if new work is taken in.

        Raises:
            Problem: 503 while it is paused.
        """
        state = self._valve.state()
        if state.paused:
            raise refuse_paused(state.reason)

    def watch(self, ticket: Ticket, length: int, largest: int | None = None) -> None:
        """Look at how long an upload has become whose length nobody has told.

        Of several uploads in one request it is the length of all; `largest` is that of one.

        Raises:
            Problem: As `hold`, when there is no room for so much.
        """
        single = ticket.quota.upload_bytes
        too_large = largest is not None and single is not None and largest > single
        if length > ticket.most or too_large:
            self.confirm(ticket, Ask(length, largest=largest))

    def confirm(self, ticket: Ticket, ask: Ask) -> None:
        """Ask for what it has become, in the place of what was thought before.

        Raises:
            Problem: As `hold`.
        """
        self._rooms.grant(ticket, ask)

    def reserve(self, caller: Caller, name: str, length: int, until: datetime) -> Ticket:
        """Keep room for an upload that comes in several requests, until then or `free`.

        Asked for again, it lasts longer; what was granted before is not judged anew.

        Raises:
            Problem: As `hold`, but for a paused intake.
        """
        ticket = self._ticket(caller, name)
        ticket.until, ticket.most = until, length
        self._rooms.prolong(ticket, Ask(length))
        return ticket

    def free(self, owner: str, name: str) -> None:
        """Give up what was reserved; gone is gone."""
        self._rooms.free(owner, name)

    @contextmanager
    def hold_further(self, caller: Caller, charges: Sequence[Charge]) -> Iterator[Ticket]:
        """Let conversions be made of what stands, each of them charged.

        If the block raises, the charges of those are taken back that the ticket does not keep.

        Raises:
            Problem: As `hold`.
        """
        with self.hold(caller) as ticket:
            seconds = sum(charge.seconds or 0.0 for charge in charges)
            self.confirm(ticket, Ask(None, len(charges), seconds))
            for charge in charges:
                self.charge(ticket, charge)
            yield ticket

    def charge(self, ticket: Ticket, charge: Charge) -> None:
        """Write a conversion down among those of the day, before it is created."""
        if self._charges.put(charge, ticket.caller.id, self._clock()):
            ticket.charged.add(charge.key)

    def name_charges(self, names: Sequence[tuple[str, str]]) -> None:
        """Say which conversions charges are for, by their keys, now that it is known."""
        self._charges.name(names)

    def quota_of(self, caller: Caller) -> Quota:
        """Return the caller's limits."""
        return self._allowances.of(caller)

    def usage_of(self, user: str) -> Usage:
        """Return what a user has."""
        return self._rooms.usage_of(user)

    def _ticket(self, caller: Caller, hold_id: str) -> Ticket:
        return Ticket(caller, self._allowances.of(caller), self._rooms.ceiling, hold_id)

    def _take_back(self, ticket: Ticket) -> None:
        try:
            for key in ticket.charged:
                self._charges.remove(key)
        except StorageUnavailable as error:
            log.warning("a conversion that was not made counts for today", error=str(error))


def build_gate(
    database: Documents, cluster: Cluster, allowances: Allowances, valve: Valve, *, ceiling: int
) -> Gate:
    """Return a gate over these stores; `ceiling` is the most bytes that any upload may have."""
    charges = Charges(database)
    holdings = Holdings(database, cluster, charges)
    rooms = Rooms(Accounts(database), holdings, ceiling=ceiling, clock=_now)
    return Gate(valve, allowances, rooms, charges, _now)


def _now() -> datetime:
    return datetime.now(UTC)
