"""The sweep: what is past its retention goes, and what nobody needs is marked and goes later."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Self

import structlog

from soundstrip_operator.alarm import Alarm
from soundstrip_operator.sweep import (
    Fate,
    Needs,
    SweepPolicy,
    is_past_retention,
    is_too_much,
    judge,
)
from soundstrip_operator.view import View
from soundstrip_operator.workqueue import Retry, Workqueue
from soundstrip_storage.archive import Archive
from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_storage.inventory import Blob, Inventory
from soundstrip_storage.layout import Bucket
from soundstrip_storage.removal import Removal
from soundstrip_storage.sweep_calls import SweepCalls

log = structlog.get_logger("soundstrip.sweep")

_KEY = "sweep"
_FIRST_SECONDS = 600.0
_LISTEN_SECONDS = 5.0


@dataclass(frozen=True)
class Store:
    """What a sweep looks into, and takes from."""

    inventory: Inventory
    archive: Archive
    removal: Removal
    calls: SweepCalls

    @classmethod
    def of(cls, database: AsyncDocuments, install: str) -> Self:
        """Return what one installation has in a database."""
        return cls(
            Inventory(database, install),
            Archive(database),
            Removal(database, install),
            SweepCalls(database, install),
        )


@dataclass(frozen=True)
class Tally:
    """What one sweep found and did, in blobs."""

    total: int
    unneeded: int
    """Marked, or to be marked; `due` of them were to go."""
    due: int
    removed: int
    expired: int
    """Removed at the end of their retention."""
    orphans: int
    """Chunks' ids that have neither document nor intent; nobody can say whose they are."""


class Sweeper:
    """Sweeps one installation's blobs, now and then; `stops` counts how often a brake held it."""

    def __init__(
        self,
        view: View,
        store: Store,
        *,
        policy: SweepPolicy,
        sees_all: Callable[[], bool],
        alarm: Alarm,
        permit: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take what the sweep asks before each step.

        `sees_all` says whether the view holds all conversions that there are; `permit` raises
        Retry where this process may not act.
        """
        self.tally: Tally | None = None
        self.stops = 0
        self._view = view
        self._store = store
        self._policy = policy
        self._sees_all = sees_all
        self._alarm = alarm
        self._permit = permit
        self._clock = clock

    async def run(self, queue: Workqueue, interval: float) -> None:
        """Sweep every `interval` seconds until cancelled, in a queue of its own, or when asked."""

        async def work(_key: str) -> None:
            await self.sweep()
            queue.add_after(_KEY, interval * random.uniform(0.8, 1.2))  # noqa: S311 - jitter

        queue.add_after(_KEY, min(interval, _FIRST_SECONDS) * random.uniform(0.5, 1))  # noqa: S311
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.run(work))
            tasks.create_task(self._listen(queue))

    async def _listen(self, queue: Workqueue) -> None:
        """Have a sweep when an administrator has asked for one, as soon as it is this one's turn.

        It goes by the same marks, times and brakes as any other.
        """
        while True:
            await asyncio.sleep(_LISTEN_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            try:
                self._permit()
                if await self._store.calls.is_wanted():
                    queue.add(_KEY)
            except (Retry, StorageUnavailable) as error:
                log.debug("nobody can ask for a sweep now", cause=str(error))

    async def sweep(self) -> Tally:
        """Sweep once.

        Raises:
            Retry: If the store is away, or the view does not hold all that there is.
        """
        self._check_view()
        stops = self.stops
        try:
            await self._store.calls.begin(self._clock())
            self.tally = await self._sweep()
            stopped = self.stops > stops
            await self._store.calls.end(self._clock(), vars(self.tally), stopped=stopped)
        except StorageUnavailable as error:
            raise Retry(str(error)) from error
        log.info("swept", **vars(self.tally))
        return self.tally

    async def _sweep(self) -> Tally:
        now = self._clock()
        expired = await self._end_retention(now)
        await self._store.inventory.settle_intents(self._stale(now))
        fates = await self._take_stock(now)
        due, total = fates[Fate.REMOVE], fates.total()
        removed = 0
        if is_too_much(due, total, self._policy):
            await self._stop(due, total, now)
        elif due:
            removed = await self._remove_due(now)
        return Tally(
            total=total,
            unneeded=due + fates[Fate.MARK] + fates[Fate.WAIT],
            due=due,
            removed=removed,
            expired=expired,
            orphans=await self._count_orphans(now),
        )

    def _check_view(self) -> None:
        self._permit()
        if not self._sees_all():
            raise Retry("not all conversions are known, so nothing can be called unneeded")

    async def _end_retention(self, now: datetime) -> int:
        count = 0
        for bucket in Bucket:
            limit = self._policy.retention(bucket)
            if limit is None:
                continue
            before = now - timedelta(seconds=limit)
            async for page in self._store.inventory.files(bucket, stored_before=before):
                self._check_view()
                busy = self._needs_of(self._view.unsettled())
                past = [b for b in page if is_past_retention(b, busy, now, self._policy)]
                count += await self._remove(past, now)
        return count

    async def _take_stock(self, now: datetime) -> Counter[Fate]:
        """Mark and unmark, and return how many blobs have which fate."""
        fates: Counter[Fate] = Counter()
        async for page in self._pages(now):
            judged = await self._judge(page, now)
            fates.update(fate for _, fate in judged)
            for fate, since in ((Fate.MARK, now), (Fate.UNMARK, None)):
                await self._store.inventory.mark((b for b, f in judged if f is fate), since)
        return fates

    async def _remove_due(self, now: datetime) -> int:
        """What is due is judged once more, by what is known now."""
        count = 0
        async for page in self._pages(now, now - timedelta(seconds=self._policy.delay)):
            self._check_view()
            judged = await self._judge(page, now)
            count += await self._remove([b for b, fate in judged if fate is Fate.REMOVE], now)
        return count

    async def _remove(self, blobs: list[Blob], now: datetime) -> int:
        count = 0
        for blob in blobs:
            self._permit()
            if await self._store.removal.remove(blob, now):
                log.info("blob removed", bucket=str(blob.bucket), id=str(blob.id))
                count += 1
        return count

    async def _pages(
        self, now: datetime, marked_by: datetime | None = None
    ) -> AsyncIterator[tuple[Blob, ...]]:
        inventory = self._store.inventory
        for bucket in Bucket:
            async for page in inventory.files(bucket, marked_by=marked_by):
                yield page
        async for page in inventory.remains(self._stale(now), marked_by):
            yield page

    async def _judge(self, page: tuple[Blob, ...], now: datetime) -> list[tuple[Blob, Fate]]:
        """The archive is asked after the view: what has left the one by then is in the other."""
        needs = self._needs_of(self._view.conversions)
        users = set(chain.from_iterable(blob.users for blob in page))
        archived = await self._store.archive.find_uids(users - needs.uids)
        needs = Needs(needs.uids | archived, needs.sources)
        return [(blob, judge(blob, needs, now, self._policy)) for blob in page]

    def _needs_of(self, keys: Iterable[str]) -> Needs:
        parsed = (self._view.conversions[key].parsed for key in keys)
        return Needs.of(parsed, self._view.batches.awaited_sources())

    async def _stop(self, due: int, total: int, now: datetime) -> None:
        self.stops += 1
        message = (
            f"{due} of {total} stored files are needed by no conversion and due to be removed; "
            "that is too much at once, so none was. See docs/operations.md, The sweep."
        )
        await self._alarm.sound("SweepStopped", message, now)

    async def _count_orphans(self, now: datetime) -> int:
        inventory = self._store.inventory
        return sum([await inventory.count_orphans(b, self._stale(now)) for b in Bucket])

    def _stale(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self._policy.grace)
