from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.sights import Sight


def sight(name: str, version: int, owner: str = "ann", data: bytes | None = None) -> Sight:
    return Sight(name, owner, version, data or str(version).encode())


def test_a_new_version_with_the_same_view_is_no_news():
    board = Board(9)
    assert [s.version for s in board.put(sight("a", 1, data=b"x"))] == [1]
    assert list(board.put(sight("a", 2, data=b"x"))) == []
    assert [s.version for s in board.put(sight("a", 3, data=b"y"))] == [3]
    assert list(board.put(sight("a", 2, data=b"z"))) == []


def test_what_a_list_lacks_is_told_as_gone():
    board = Board(9)
    list(board.replace([sight("a", 1), sight("b", 2)], 5))
    [gone] = board.replace([sight("a", 1)], 8)
    assert (gone.name, gone.owner, gone.version, gone.is_gone) == ("b", "ann", 8, True)


def test_a_name_that_comes_back_with_another_owner_is_gone_for_the_first_one():
    board = Board(9)
    list(board.replace([sight("a", 1)], 5))
    gone, come = board.put(sight("a", 6, owner="bob"))
    assert (gone.owner, gone.is_gone, come.owner) == ("ann", True, "bob")
    assert set(board.of("bob")) == {"a"}


def test_tombstones_are_as_many_as_there_may_be_and_the_horizon_tells_of_the_rest():
    board = Board(2)
    list(board.replace([sight(name, 1) for name in "abcd"], 5))
    for number, name in enumerate("abcd"):
        list(board.remove(name, 10 + number))
    assert set(board.of("ann")) == {"c", "d"}
    assert board.horizon == 11
    assert len(board) == 2


def test_a_tombstone_of_what_came_back_takes_nothing_with_it():
    board = Board(1)
    list(board.replace([sight(name, 1) for name in "ab"], 5))
    list(board.remove("a", 6))
    list(board.put(sight("a", 7)))
    list(board.remove("b", 8))
    assert not board.of("ann")["a"].is_gone


def test_a_board_on_which_nothing_is_left_holds_nothing():
    board = Board(0)
    list(board.replace([sight("a", 1)], 5))
    list(board.remove("a", 6))
    assert len(board) == 0
    assert not board.of("ann")
