"""Holding the Lease: taken, renewed, watched, and given back."""

import asyncio
import random
import socket
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import NoReturn, assert_never

import structlog

from soundstrip_crds.names import INSTALL_ANNOTATION
from soundstrip_operator.cluster import (
    Body,
    Cluster,
    ClusterError,
    ClusterUnavailable,
    Conflict,
    NotFound,
)
from soundstrip_operator.lease import (
    Candidacy,
    Claim,
    GiveUp,
    Look,
    Record,
    Wait,
    decide,
    describe_lack,
    describe_standby,
)
from soundstrip_operator.workqueue import Retry

log = structlog.get_logger("soundstrip.tenure")

_CALL_SECONDS = 10.0
_RELEASE_SECONDS = 3.0
_PAUSES = 5
"""Attempts to renew, while they fail, in the time between two renewals."""


class LeaseLost(Exception):
    """This process may not go on, a fresh one may; the message says why."""


def identify(pod_uid: str | None) -> str:
    """Return a name of this process; the containers of one pod, one after the other, share it.

    When a pod's container starts, the one before it is gone. Without the pod's uid, each process
    is a stranger to all others.
    """
    return f"{socket.gethostname()}_{pod_uid or uuid.uuid4()}"


class Tenure:
    """This process's share in the Lease.

    `settled` is set when it is known who has it, or that this can't be known now; `taken` when
    this process has.
    """

    def __init__(
        self, cluster: Cluster, *, name: str, install: str, identity: str, duration: int
    ) -> None:
        """Take `duration` as the seconds without a renewal after which another may have it.

        Another of the same `install`, that is.
        """
        self._cluster = cluster
        self.name = name
        self._duration = duration
        self._candidacy = Candidacy(me=identity, install=install, duration=duration)
        self._news = asyncio.Event()
        self._turned_at = time.monotonic()
        self.settled = asyncio.Event()
        self.taken = asyncio.Event()

    async def keep(self) -> NoReturn:
        """Take the Lease when it is to be had, and renew it.

        Raises:
            LeaseLost: If what this process knows can't be trusted any more.
        """
        while True:
            self._turned_at = time.monotonic()
            match decide(self._candidacy, self._turned_at):
                case GiveUp(cause):
                    raise LeaseLost(cause)
                case Wait(seconds):
                    self._settle()
                    await self._wait(seconds)
                case step:
                    await self._attempt(step)

    def check(self) -> None:
        """Return if this process may act at this moment; ask before each act.

        Raises:
            Retry: If it may not.
        """
        if not self._candidacy.holds(time.monotonic()):
            raise Retry("the Lease is not held")

    def see_lease(self, body: Body, *, gone: bool) -> None:
        """Take the Lease from the watch."""
        if gone:
            self._candidacy = self._candidacy.doubt()
        else:
            self._candidacy = self._candidacy.hear(Record.parse(body), time.monotonic())
        self._news.set()

    async def release(self) -> None:
        """Give the Lease back, so that the next one need not wait until it has expired."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._release()

    def missing(self) -> dict[str, str]:
        """Say what keeps this process from acting, or from taking over."""
        lack = describe_lack(self._candidacy, time.monotonic())
        return {"lease": lack} if lack else {}

    def standing_by(self) -> str:
        """Say who else acts, and what is waited for; empty if nobody else does."""
        return describe_standby(self._candidacy)

    def age_of_echo(self) -> float | None:
        """Return for how many seconds no renewal has come back by the watch; None before any."""
        echoed_at = self._candidacy.echoed_at
        return None if echoed_at is None else time.monotonic() - echoed_at

    def hangs(self) -> bool:
        """Say whether the loop has not turned for longer than it ever waits."""
        longest = self._candidacy.duration + 2 * _CALL_SECONDS
        return time.monotonic() - self._turned_at > longest

    def _settle(self) -> None:
        if not self.settled.is_set() and self.standing_by():
            log.info("standing by", message=self.standing_by())
        self.settled.set()

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()

    async def _attempt(self, step: Look | Claim) -> None:
        try:
            await self._take(step)
        except (Conflict, NotFound):
            self._candidacy = self._candidacy.doubt()
        except ClusterError as error:
            log.warning("the Lease could not be reached", error=str(error))
            self.settled.set()
            pause = self._candidacy.renewal / _PAUSES * random.uniform(0.5, 1.0)  # noqa: S311
            await asyncio.sleep(max(pause, min(error.pause, self._candidacy.renewal)))

    async def _take(self, step: Look | Claim) -> None:
        """Wait for half a renewal at most: the next attempt is to come while the hold lasts."""
        try:
            async with asyncio.timeout(self._candidacy.renewal / 2):
                match step:
                    case Look():
                        await self._look()
                    case Claim():
                        await self._claim()
                    case _ as never:
                        assert_never(never)
        except TimeoutError as error:
            raise ClusterUnavailable("The API server did not answer in time") from error

    async def _look(self) -> None:
        try:
            record = Record.parse(await self._cluster.get_lease(self.name))
        except NotFound:
            record = None
        self._candidacy = self._candidacy.see(record, time.monotonic())

    async def _claim(self) -> None:
        sent, record = time.monotonic(), self._candidacy.record
        spec, mark = self._word_claim(record), {INSTALL_ANNOTATION: self._candidacy.install}
        if record is None:
            body = await self._cluster.create_lease(self.name, spec, mark)
        else:
            body = await self._cluster.patch_lease(self.name, record.version, spec, mark)
        self._candidacy = self._candidacy.renew(Record.parse(body), sent, time.monotonic())
        if not self.taken.is_set():
            log.info("the Lease is held", holder=self._candidacy.me)
            self.taken.set()

    def _word_claim(self, record: Record | None) -> Body:
        now, me = _micro_time(), self._candidacy.me
        spec = {"renewTime": now, "leaseDurationSeconds": self._duration}
        if record is not None and record.holder == me:
            return spec
        transitions = 0 if record is None else record.transitions + 1
        return spec | {"holderIdentity": me, "acquireTime": now, "leaseTransitions": transitions}

    async def _release(self) -> None:
        """Try twice: the answer to the latest renewal may not have been waited for."""
        for _ in range(2):
            record = self._candidacy.record
            if record is None or not self._candidacy.is_holder:
                return
            spec = {"holderIdentity": None, "renewTime": _micro_time(), "leaseDurationSeconds": 1}
            try:
                await self._cluster.patch_lease(self.name, record.version, spec, {})
            except Conflict:
                await self._look()
            except ClusterError as error:
                log.warning("the Lease could not be released", error=str(error))
                return
            else:
                log.info("the Lease is released")
                return


def _micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
