"""What one watcher has still to be told: pure, so that every history can be tried."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest

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
        self._board = board
        self._owner = owner
        self._name = name
        self._since = since or 0
        self._pending = {s.name for s in _at_first(board, owner, name, since)}
        self._first = set(self._pending)
        self._sent: dict[str, tuple[float, str]] = {}
        self._is_ready = False
        self._is_reset = name is not None or since is None or since >= board.horizon

    def add(self, sight: Sight) -> bool:
        """Take note of a change; return whether it is one for this reader."""
        wanted = self._name in {None, sight.name} and sight.version > self._since
        if wanted:
            self._pending.add(sight.name)
        return wanted

    def take(self, now: float) -> list[Event]:
        """Return what is to be told now, a batch at most; `now` is in seconds of any clock."""
        self._sent = {n: s for n, s in self._sent.items() if now - s[0] < PROGRESS_SECONDS}
        return list(self._take(now))

    def due(self, now: float) -> float | None:
        """Return the seconds until there is something to tell; None if nothing is held back."""
        if not self._pending:
            return None
        return max(0.0, min(self._due_at(self._look(n), now) for n in self._pending) - now)

    def _take(self, now: float) -> Iterator[Event]:
        if not self._is_reset:
            self._is_reset = True
            yield Reset()
        ready = (s for s in map(self._look, self._pending) if self._due_at(s, now) <= now)
        for sight in nsmallest(BATCH, ready, key=lambda s: s.version):
            yield self._tell(sight, now)
        if not self._is_ready and not self._first and not self.has_ended:
            self._is_ready = True
            yield Ready(self._mark())

    def _tell(self, sight: Sight, now: float) -> Told:
        self._pending.discard(sight.name)
        self._first.discard(sight.name)
        self._sent[sight.name] = (now, sight.stage)
        self.has_ended = self._name is not None and sight.is_finished
        return Told(self._mark(), sight)

    def _mark(self) -> int:
        if not self._pending:
            return max(self._board.newest, self._since)
        return min(self._look(name).version for name in self._pending) - 1

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
        is_worth_it = not sight.is_gone if name else not sight.is_finished
        if is_worth_it if since is None else sight.version > since:
            yield sight
