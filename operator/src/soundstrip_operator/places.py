"""The places for active Jobs: who has one, who keeps one for a Job to be, and who is next."""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

from soundstrip_operator.admission import Stand, Waiting, stand_of, take_turns
from soundstrip_operator.policy import Policy
from soundstrip_operator.situation import next_try, run_of
from soundstrip_operator.view import View

_LINE_HOLDS = timedelta(seconds=2)
"""How long the line is told as it was: to line all up costs more than one admission."""


class Places:
    """Gives each free place away once, although the Jobs are made side by side.

    What changes in the view is taken in conversion by conversion, so that an admission costs the
    same however many wait. A place that was given is kept until the Job is in the view: an answer
    that was lost frees nothing.
    """

    def __init__(self, view: View, policy: Policy) -> None:
        self._view = view
        self._policy = policy
        self._stands: dict[str, Stand] = {}
        self._lines: dict[str, list[Waiting]] = {}
        self._running: Counter[str] = Counter()
        self._kept: dict[str, tuple[int, int]] = {}
        self._committed: set[str] = set()
        self._stepped_back: set[str] = set()
        self._reviews: list[tuple[datetime, str]] = []
        self._due: dict[str, datetime] = {}
        self._reminders: dict[str, datetime] = {}
        self._given: set[str] = set()
        self._line: dict[str, int] = {}
        self._lined_up_at: datetime | None = None

    def keep(self, key: str, now: datetime) -> bool:
        """Say whether the conversion has a place for its next try, given now if it is its turn."""
        if key in self._stepped_back:
            self._stepped_back.discard(key)
            self._review(key, now)
        self._give(now)
        self._given.discard(key)  # It knows by this answer.
        return key in self._kept

    def commit(self, key: str) -> None:
        """Hold the place even if the answer is lost: the Job is being made."""
        self._committed.add(key)

    def release(self, key: str, now: datetime) -> None:
        """Give the place back, and leave the line until it is asked for again: there is no Job."""
        self._committed.discard(key)
        self._kept.pop(key, None)
        self._given.discard(key)
        self._stepped_back.add(key)
        self._review(key, now)

    def step_back(self, key: str, now: datetime) -> None:
        """Let others go first until this one asks again, unless its Job may be there already."""
        if key not in self._committed:
            self.release(key, now)

    def next_in_line(self, now: datetime) -> frozenset[str]:
        """Return the conversions that were given a place since this was last asked."""
        self._give(now)
        given, self._given = self._given, set()
        return frozenset(given)

    def take_reminders(self) -> Mapping[str, datetime]:
        """Return when conversions are to be looked at although nothing happens to them.

        Time alone frees the place of a Job whose deletion does not come to an end.
        """
        taken, self._reminders = self._reminders, {}
        return taken

    def line(self, now: datetime) -> Mapping[str, int]:
        """Return who waits, in the order of their turns, with the place of each from 1.

        It may be some seconds old.
        """
        if self._lined_up_at is None or now - self._lined_up_at >= _LINE_HOLDS:
            self._take_changes(now)
            most = len(self._stands) + self._running.total() + 1  # No limit: they wait for it.
            everybody = take_turns(self._lines, self._running, most)
            self._line = {one.name: place for place, one in enumerate(everybody, start=1)}
            self._lined_up_at = now
        return self._line

    def _give(self, now: datetime) -> None:
        self._take_changes(now)
        free = self._policy.max_active_jobs - self._running.total()
        if free <= 0 or not self._lines:
            return
        for one in list(islice(self._turns(), free)):
            status = self._view.conversions[one.name].parsed.status
            self._kept[one.name] = (run_of(status), next_try(status))
            self._given.add(one.name)
            self._review(one.name, now)

    def _turns(self) -> Iterator[Waiting]:
        return take_turns(self._lines, self._running, self._policy.max_active_per_owner)

    def _take_changes(self, now: datetime) -> None:
        for key in self._view.take_changes():
            self._review(key, now)
        while self._reviews and self._reviews[0][0] <= now:
            due, key = heapq.heappop(self._reviews)
            if self._due.get(key) == due:
                self._review(key, now)

    def _review(self, key: str, now: datetime) -> None:
        """Look at one conversion anew."""
        self._withdraw(key)
        about = self._view.conversions.get(key)
        jobs = self._view.jobs.of(key)
        stand = stand_of(about.parsed if about else None, jobs, self._policy, now)
        made = any(job.attempt == self._kept.get(key) for job in jobs)
        if stand is None or stand.waiting is None or made:
            self._kept.pop(key, None)
            self._committed.discard(key)
        self._remember(key, stand.review if stand else None)
        if stand is None:
            self._stepped_back.discard(key)
        else:
            self._enter(key, stand)

    def _remember(self, key: str, due: datetime | None) -> None:
        """Have it looked at again when time alone changes where it stands."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = self._reminders[key] = due
            heapq.heappush(self._reviews, (due, key))

    def _enter(self, key: str, stand: Stand) -> None:
        active, waiting = stand.active, stand.waiting
        if key in self._kept:
            active, waiting = active + 1, None
        if key in self._stepped_back:
            waiting = None
        if active or waiting:
            self._stands[key] = Stand(stand.owner, active, waiting)
            self._running[stand.owner] += active
        if waiting:
            insort(self._lines.setdefault(stand.owner, []), waiting)

    def _withdraw(self, key: str) -> None:
        stand = self._stands.pop(key, None)
        if stand is None:
            return
        self._running[stand.owner] -= stand.active
        if not self._running[stand.owner]:
            del self._running[stand.owner]
        if stand.waiting is not None:
            line = self._lines[stand.owner]
            del line[bisect_left(line, stand.waiting)]
            if not line:
                del self._lines[stand.owner]
