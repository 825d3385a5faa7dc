"""Whatever happens and whenever a reader breaks off, here or at another replica, he ends right."""

from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from soundstrip_gateway.live.backlog import PROGRESS_SECONDS, Backlog, Event, Ready, Reset, Told
from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.sights import Sight, see_gone

OWNERS = ("ann", "bob")
NAMES = ("a", "b", "c")


def sight(name: str, version: int, stage: str = "running", owner: str = "ann") -> Sight:
    data = f"{owner}/{name}@{version}".encode()
    return Sight(name, owner, version, data, stage, is_finished=stage == "done")


@dataclass
class Server:
    """The API server: what there is, and what happened."""

    version: int = 0
    there: dict[str, Sight] = field(default_factory=dict)
    history: list[Sight] = field(default_factory=list)

    def change(self, name: str, stage: str | None) -> None:
        owner = OWNERS[NAMES.index(name) % 2]
        self.version += 1
        if stage is not None:
            self.there[name] = sight(name, self.version, stage, owner)
            self.history.append(self.there[name])
        elif name in self.there:
            self.history.append(see_gone(name, owner, self.version))
            del self.there[name]

    def of(self, owner: str) -> dict[str, bytes]:
        return {n: s.data for n, s in self.there.items() if s.owner == owner}


class Replica:
    """A board that follows the server as well as it can, and its readers' backlogs."""

    def __init__(self, server: Server, tombstones: int) -> None:
        self.board = Board(tombstones)
        self.backlogs: list[Backlog] = []
        self._server = server
        self._seen = 0
        self.relist()

    def relist(self) -> None:
        self._tell(list(self.board.replace(self._server.there.values(), self._server.version)))
        self._seen = len(self._server.history)

    def watch(self, count: int) -> None:
        for change in self._server.history[self._seen : self._seen + count]:
            self._seen += 1
            told = (
                self.board.remove(change.name, change.version)
                if change.is_gone
                else self.board.put(change)
            )
            self._tell(list(told))

    def _tell(self, changes: list[Sight]) -> None:
        for backlog in self.backlogs:
            for change in changes:
                if change.owner == "ann":
                    backlog.add(change)


class Reader:
    """A client that reads as the documentation says."""

    def __init__(self) -> None:
        self.states: dict[str, bytes] = {}
        self.finished_before: set[str] = set()
        self.mark: int | None = None
        self.backlog: Backlog | None = None

    def connect(self, replica: Replica, server: Server) -> None:
        self.backlog = Backlog(replica.board, "ann", None, self.mark)
        replica.backlogs = [self.backlog]
        if self.mark is None:
            self.states = server.of("ann")  # the list that a page loads once its stream stands

    def take(self, now: float, server: Server, at_most: int = 99) -> list[Event]:
        assert self.backlog is not None
        events = self.backlog.take(now)
        for event in events[:at_most]:
            self._see(event, server)
        return events

    def _see(self, event: Event, server: Server) -> None:
        match event:
            case Told(mark, sight):
                assert sight.owner == "ann"
                assert self.mark is None or mark >= self.mark
                self.mark = mark
                self.states[sight.name] = sight.data
                if sight.is_gone:
                    del self.states[sight.name]
            case Ready(mark):
                self.mark = mark
            case Reset():
                self.states = server.of("ann")


stages = st.sampled_from(["running", "running", "running", "queued", "done", None])
changes = st.tuples(st.just("change"), st.sampled_from(NAMES), stages, st.booleans())
steps = st.one_of(
    changes,
    st.tuples(st.just("read")),
    st.tuples(st.just("list")),
    st.tuples(st.just("pass"), st.sampled_from([0.4, 1.0])),
    st.tuples(st.just("break"), st.sampled_from([0, 1, 2, 99]), st.sampled_from([0, 1])),
)


CAME_AND_WENT = (
    ("change", "a", "running", True),
    ("read",),
    ("break", 0, 1),
    ("change", "a", None, False),
    ("list",),
)
"""Told by one replica, and gone before the other, which was behind, had seen it at all."""


@settings(max_examples=300)
@given(st.lists(changes, max_size=4), st.lists(steps, min_size=8, max_size=40), st.integers(0, 2))
@example([], [*CAME_AND_WENT], 0)
def test_a_reader_who_breaks_off_ends_with_the_same_states_as_the_server(
    before: list[tuple[str, str, str | None, bool]],
    script: list[tuple[object, ...]],
    tombstones: int,
):
    server, now = Server(), 0.0
    for _, name, stage, _ in before:
        server.change(name, stage)
    replicas = [Replica(server, tombstones), Replica(server, 99)]
    reader, at = Reader(), replicas[0]
    reader.connect(at, server)
    for step in script:
        match step:
            case ("change", str(name), stage, bool(is_seen)):
                server.change(name, stage if isinstance(stage, str) else None)
                if is_seen:
                    at.watch(99)
            case ("read",):
                reader.take(now, server)
            case ("list",):
                at.relist()
            case ("pass", float(seconds)):
                now += seconds
            case ("break", int(seen), int(other)):
                reader.take(now, server, at_most=seen)
                at = replicas[other]
                reader.connect(at, server)
    at.watch(99)
    for _ in range(3):
        reader.take(now, server)
        now += PROGRESS_SECONDS
    assert reader.states == server.of("ann")
    assert reader.backlog is not None
    assert reader.backlog.due(now) is None


def test_progress_is_told_once_a_second_and_a_new_stage_at_once():
    board = Board(9)
    list(board.replace([], 1))
    backlog = Backlog(board, "ann", None, None)
    backlog.take(0.0)

    def told(version: int, now: float, stage: str = "running") -> list[int]:
        for change in board.put(sight("a", version, stage)):
            backlog.add(change)
        return [e.sight.version for e in backlog.take(now) if isinstance(e, Told)]

    assert told(2, 0.0) == [2]
    assert told(3, 0.2) == []
    assert told(4, 0.4) == []
    assert backlog.due(0.4) is not None
    assert [e.sight.version for e in backlog.take(1.0) if isinstance(e, Told)] == [4]
    assert told(5, 1.1, "done") == [5]


def test_a_mark_never_passes_by_what_is_held_back():
    board = Board(9)
    list(board.replace([], 1))
    backlog = Backlog(board, "ann", None, None)
    backlog.take(0.0)
    for version, name in [(2, "a"), (3, "a"), (4, "b")]:
        for change in board.put(sight(name, version)):
            backlog.add(change)
        events = backlog.take(0.1)
    [b] = [event for event in events if isinstance(event, Told)]
    assert (b.sight.name, b.mark) == ("b", 2)


def test_who_begins_anew_is_told_what_is_unfinished_and_then_that_he_knows_it():
    board = Board(9)
    list(board.replace([sight("a", 3, "done"), sight("b", 5), sight("c", 4, owner="bob")], 9))
    events = Backlog(board, "ann", None, None).take(0.0)
    assert [type(event) for event in events] == [Told, Ready]
    assert isinstance(events[0], Told)
    assert events[0].sight.name == "b"
    assert events[1] == Ready(9)


def test_who_was_away_too_long_is_told_that_deletions_may_be_missing():
    board = Board(9)
    list(board.replace([sight("a", 3)], 5))
    assert Reset() in Backlog(board, "ann", None, 4).take(0.0)
    assert Reset() not in Backlog(board, "ann", None, 5).take(0.0)


def test_a_replica_that_is_behind_tells_nothing_that_the_reader_has_seen():
    board = Board(9)
    list(board.replace([sight("a", 3)], 5))
    backlog = Backlog(board, "ann", None, 8)
    for change in board.put(sight("a", 7)):
        assert not backlog.add(change)
    assert [event.mark for event in backlog.take(0.0) if isinstance(event, Ready)] == [8]


def test_one_that_came_and_went_unseen_is_told_as_gone_to_who_waits_for_it():
    board = Board(9)
    list(board.replace([], 5))
    all_of_them, one = (Backlog(board, "ann", name, None) for name in (None, "a"))
    for backlog in (all_of_them, one):
        backlog.take(0.0)
    list(board.replace([], 9))
    assert all_of_them.take(1.0) == [Reset()]
    [told] = one.take(1.0)
    assert isinstance(told, Told)
    assert (told.sight.name, told.sight.is_gone, one.has_ended) == ("a", True, True)


def test_one_that_is_watched_ends_with_its_last_state_or_its_deletion():
    board = Board(9)
    list(board.replace([sight("a", 3), sight("b", 4)], 5))
    a, b = (Backlog(board, "ann", name, None) for name in "ab")
    for backlog in (a, b):
        backlog.take(0.0)
        assert not backlog.has_ended
    for change in [*board.put(sight("a", 6, "done")), *board.remove("b", 7)]:
        a.add(change)
        b.add(change)
    for backlog, name in ((a, "a"), (b, "b")):
        [told] = backlog.take(0.1)
        assert isinstance(told, Told)
        assert told.sight.name == name
        assert backlog.has_ended


@pytest.mark.parametrize("since", [None, 2, 4])
def test_one_that_runs_again_is_not_told_as_it_ended_before(since: int | None):
    board = Board(9)
    list(board.replace([sight("a", 3, "done")], 4))
    backlog = Backlog(board, "ann", "a", since)
    assert backlog.take(0.0) == [Ready(4)]
    for version, stage in ((6, "running"), (7, "done")):
        for change in board.put(sight("a", version, stage)):
            backlog.add(change)
        [told] = backlog.take(0.1)
        assert isinstance(told, Told)
        assert (told.sight.stage, backlog.has_ended) == (stage, stage == "done")
