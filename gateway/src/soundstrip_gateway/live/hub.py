"""Who watches what: admits watchers, and tells each of them what is theirs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from soundstrip_gateway.live.backlog import Backlog
from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.meter import Meter
from soundstrip_gateway.live.outlet import Outlet, Stalled
from soundstrip_gateway.live.sights import Sight
from soundstrip_gateway.live.stream import Body, Pace, Stream
from soundstrip_gateway.live.tickets import Ticket, Verdict

log = structlog.get_logger("soundstrip.live")

_REFUSALS = frozenset({Verdict.BLIND, Verdict.CROWDED, Verdict.FULL})


@dataclass(frozen=True)
class Limits:
    """How many streams there may be, in all and of one user."""

    streams: int
    streams_per_owner: int


def judge_ticket(ticket: Ticket, board: Board, counts: tuple[int, int], limits: Limits) -> Verdict:
    """Say what becomes of a ticket, `counts` being the streams in all and of its owner."""
    in_all, of_owner = counts
    if not board.is_loaded:
        return Verdict.BLIND
    if of_owner >= limits.streams_per_owner:
        return Verdict.CROWDED
    if in_all >= limits.streams:
        return Verdict.FULL
    return Verdict.READY if ticket.name is None else _judge_one(ticket, board, ticket.name)


def _judge_one(ticket: Ticket, board: Board, name: str) -> Verdict:
    sight = board.of(ticket.owner).get(name)
    if sight is None:
        return Verdict.UNKNOWN
    if sight.is_gone:
        is_news = ticket.since is not None and sight.version > ticket.since
        return Verdict.READY if is_news else Verdict.UNKNOWN
    return Verdict.UNKNOWN if sight.is_finished else Verdict.READY


class Hub:
    """The streams of this process."""

    def __init__(
        self,
        board: Board,
        limits: Limits,
        pace: Pace,
        meter: Meter = Meter(),  # noqa: B008 - it keeps nothing
    ) -> None:
        self.is_stale = False
        """Whether the API server is away, so that the board may be behind."""

        self._board = board
        self._limits = limits
        self._pace = pace
        self._meter = meter
        self._streams: dict[str, set[Stream]] = {}
        self._count = 0
        self._is_leaving = False

    def __len__(self) -> int:
        return self._count

    def judge(self, ticket: Ticket) -> Verdict:
        """Say what becomes of a ticket now."""
        verdict = Verdict.FULL if self._is_leaving else self._judge(ticket)
        if verdict in _REFUSALS and ticket.owner:  # nobody's is a look at our health
            self._meter.see_refused(verdict)
        return verdict

    def _judge(self, ticket: Ticket) -> Verdict:
        of_owner = len(self._streams.get(ticket.owner, ()))
        return judge_ticket(ticket, self._board, (self._count, of_owner), self._limits)

    @contextmanager
    def admit(self, ticket: Ticket) -> Iterator[Stream]:
        """Hold a place for a stream, which misses nothing from now on, until the block ends."""
        backlog = Backlog(self._board, ticket.owner, ticket.name, ticket.since)
        stream = Stream(backlog, self._pace, lambda: self.is_stale, ticket.seconds, self._meter)
        streams = self._streams.setdefault(ticket.owner, set())
        streams.add(stream)
        self._count += 1
        try:
            yield stream
        finally:
            self._count -= 1
            streams.discard(stream)
            if not streams:
                self._streams.pop(ticket.owner, None)

    async def serve(self, stream: Stream, outlet: Outlet, body: Body) -> None:
        """Serve an admitted stream to its end, whatever that is."""
        self._meter.see_opened("resumed" if stream.is_resumed else "new")
        if self._is_leaving:
            stream.leave()
        try:
            await stream.run(outlet, body)
        except Stalled:
            log.info("a stream stood still and was given up")
            self._meter.see_stalled()
            outlet.abort()
        finally:
            outlet.close()

    def tell(self, changes: Iterable[Sight]) -> None:
        """Tell each watcher what is theirs."""
        for sight in changes:
            for stream in self._streams.get(sight.owner, ()):
                stream.tell(sight)

    def leave(self) -> None:
        """End all streams soon, in good order, and admit no more."""
        self._is_leaving = True
        for stream in (s for streams in self._streams.values() for s in streams):
            stream.leave()
