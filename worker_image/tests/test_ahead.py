from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_storage.errors import StorageUnavailable
from soundstrip_worker.ahead import read_ahead


@given(st.lists(st.binary(max_size=3), max_size=40))
def test_the_pieces_come_in_their_order(pieces: list[bytes]):
    assert list(read_ahead(iter(pieces))) == pieces


def test_a_failure_comes_after_what_came_before_it():
    def fail() -> Iterator[bytes]:
        yield from [b"a"] * 20
        raise StorageUnavailable

    ahead = read_ahead(fail())
    assert [next(ahead) for _ in range(20)] == [b"a"] * 20
    with pytest.raises(StorageUnavailable):
        next(ahead)


def test_no_more_is_read_than_a_little_ahead():
    taken = 0

    def count() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"a"

    ahead = read_ahead(count())
    next(ahead)
    ahead.close()
    assert taken <= 17
