"""What one watcher has still to be told: pure, so that every history can be tried."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import zip_longest

from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.sights import Sight, see_gone

BATCH = 32
"""Events that are written at once; each has a few kilobytes at most."""

PROGRESS_SECONDS = 1.0
"""A conversion whose stage has not changed is told no oftener than this."""


@dataclass(frozen=True)
class Told:
    """A conversion's state, or that it went."""

    mark: int
    sight: Sight


@dataclass(frozen=True)
class Ready:
    """All that there was at the beginning is told."""

    mark: int


@dataclass(frozen=True)
class Reset:
    """What went meanwhile is not known in full."""


Event = Told | Ready | Reset


class Backlog:
    """Names, not states: however slow its reader, the newest state is what he is told.

    Events come in the order of their versions, and each bears a mark: all changes up to it have
    been told, or a later state in their place. So a reader who begins again after the last mark
    that he saw, here or elsewhere, ends with the same states as one who never left.
    """

    def __init__(self, board: Board, owner: str, name: str | None, since: int | None) -> None:
        """Begin with what has changed after `since`; without it, with all that is unfinished.

        Args:
            board: What there is.
            owner: Whose conversions.
            name: The one that is watched, or None for all of them.
            since: The last mark that the reader saw, if he saw any.
        """
        self.has_ended = False
        """Whether the one that is watched has come to its end, and that is told."""
        self.is_resumed = since is not None
        self._board = board
        self._owner = owner
        self._name = name
        self._since = since or 0
        self._pending = {s.name for s in _at_first(board, owner, name, since)}
        self._first = set(self._pending)
        self._sent: dict[str, tuple[float, str]] = {}
        self._is_ready = False
        self._is_reset = name is not None or since is None or since >= board.horizon
        self._lists = board.lists

    def add(self, sight: Sight) -> bool:
        """Take note of a change; return whether it is one for this reader."""
        wanted = self._name in {None, sight.name} and sight.version > self._since
        if wanted:
            self._pending.add(sight.name)
        return wanted

    def take(self, now: float) -> list[Event]:
        """Return what is to be told now, a batch at most; `now` is in seconds of any clock."""
        self._sent = {n: s for n, s in self._sent.items() if now - s[0] < PROGRESS_SECONDS}
        if self._lists != self._board.lists:
            self._lists = self._board.lists
            self._allow_for_a_gap()
        return list(self._take(now))

    def due(self, now: float) -> float | None:
        """Return the seconds until there is something to tell; None if nothing is held back."""
        if not self._pending:
            return None
        return max(0.0, min(self._due_at(self._look(n), now) for n in self._pending) - now)

    def _allow_for_a_gap(self) -> None:
        """The reader may know, from elsewhere, what came and went without the board's seeing it."""
        if self._name is None:
            self._is_reset = False
        elif self._name not in self._board.of(self._owner):
            self._pending.add(self._name)

    def _take(self, now: float) -> Iterator[Event]:
        if not self._is_reset:
            self._is_reset = True
            yield Reset()
        pending = [self._look(name) for name in self._pending]
        due = (sight for sight in pending if self._due_at(sight, now) <= now)
        batch = nsmallest(BATCH, due, key=lambda sight: sight.version)
        for sight in batch:
            self._note(sight, now)
        held = min((s.version for s in pending if s.name in self._pending), default=None)
        for sight, later in zip_longest(batch, batch[1:]):
            yield Told(self._mark(later.version if later else None, held), sight)
        if not self._is_ready and not self._first and not self.has_ended:
            self._is_ready = True
            yield Ready(self._mark(held))

    def _note(self, sight: Sight, now: float) -> None:
        self._pending.discard(sight.name)
        self._first.discard(sight.name)
        self._sent[sight.name] = (now, sight.stage)
        self.has_ended = self._name is not None and sight.is_finished

    def _mark(self, *untold: int | None) -> int:
        """Return up to where all is told but these versions."""
        lowest = min((version for version in untold if version is not None), default=None)
        return max(self._board.newest, self._since) if lowest is None else lowest - 1

    def _look(self, name: str) -> Sight:
        """What is not on the board any more went, and its tombstone too, up to the horizon."""
        board = self._board
        return board.of(self._owner).get(name) or see_gone(name, self._owner, board.horizon)

    def _due_at(self, sight: Sight, now: float) -> float:
        when, stage = self._sent.get(sight.name, (now, None))
        return when + PROGRESS_SECONDS if stage == sight.stage else now


def _at_first(board: Board, owner: str, name: str | None, since: int | None) -> Iterator[Sight]:
    for sight in board.of(owner).values():
        if name not in {None, sight.name}:
            continue
        if _is_worth_it(sight, since, is_one=name is not None):
            yield sight


def _is_worth_it(sight: Sight, since: int | None, *, is_one: bool) -> bool:
    """Of one that is watched alone, the end is told by who looks it up, for it may run again."""
    if since is None:
        return not sight.is_finished
    return sight.version > since and (sight.is_gone or not (is_one and sight.is_finished))
