"""The places for active Jobs: who has one, who keeps one for a Job to be, and who is next."""

from collections.abc import Callable
from datetime import UTC, datetime

from soundstrip_crds.conversion import VideoConversion
from soundstrip_operator.admission import Waiting, admit, is_waiting, occupies_place
from soundstrip_operator.policy import Policy
from soundstrip_operator.situation import RUN
from soundstrip_operator.view import View

_LAST = datetime.max.replace(tzinfo=UTC)


class Places:
    """Gives each free place away once, although the Jobs are made side by side.

    A kept place counts until its Job is in the view: an answer that was lost frees nothing.
    """

    def __init__(self, view: View, policy: Policy, blocked: Callable[[str], bool]) -> None:
        """Take `blocked` for what says that a conversion can't use a place now."""
        self._view = view
        self._policy = policy
        self._blocked = blocked
        self._kept: dict[str, int] = {}

    def keep(self, key: str, number: int, now: datetime) -> bool:
        """Keep a place for this try if it is its turn; say whether it has one."""
        self._forget_used()
        if self._kept.get(key) == number:
            return True
        if key not in self._admit(now, asking=key):
            return False
        self._kept[key] = number
        return True

    def release(self, key: str) -> None:
        """Give a kept place back: there will be no Job."""
        self._kept.pop(key, None)

    def next_in_line(self, now: datetime) -> frozenset[str]:
        """Return the conversions that could have the free places."""
        self._forget_used()
        return self._admit(now, asking=None)

    def _admit(self, now: datetime, *, asking: str | None) -> frozenset[str]:
        jobs = sum(1 for job in self._view.jobs if occupies_place(job, now))
        active = jobs + len(self._kept)
        if active >= self._policy.max_active_jobs:
            return frozenset()
        waiting = (
            Waiting(c.metadata.creation_timestamp or _LAST, c.metadata.name)
            for c in self._view.open_conversions()
            if c.metadata.name == asking or self._could_start(c, now)
        )
        return admit(waiting, active, self._policy.max_active_jobs)

    def _could_start(self, conversion: VideoConversion, now: datetime) -> bool:
        key = conversion.metadata.name
        if key in self._kept or self._blocked(key):
            return False
        if any(occupies_place(job, now) for job in self._view.jobs.of(key)):
            return False
        return is_waiting(conversion, self._policy, now)

    def _forget_used(self) -> None:
        for key, number in list(self._kept.items()):
            made = any(job.attempt == (RUN, number) for job in self._view.jobs.of(key))
            if made or not self._view.is_open(key):
                del self._kept[key]
