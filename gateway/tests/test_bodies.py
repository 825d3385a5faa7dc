import io

import pytest

from soundstrip_gateway.bodies import BLOCK_BYTES, drain, read_blocks
from soundstrip_service.bodies import SlowClient
from soundstrip_service.problems import Problem


class Silent(io.BytesIO):
    """A client that stops sending: the server's time-out makes the read fail."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise SlowClient


class Cut(io.BytesIO):
    """A client that goes away: the server's parser finds the end too early."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise ConnectionResetError


class Endless(io.BytesIO):
    """A client that does not stop."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.taken += size or 0
        return bytes(size or 0)


def _status(stream: io.BytesIO, length: int | None, limit: int) -> int:
    with pytest.raises(Problem) as refused:
        list(read_blocks(stream, length, limit))
    return refused.value.status


def test_a_body_comes_in_blocks():
    body = bytes(range(256)) * 3000
    blocks = list(read_blocks(io.BytesIO(body), len(body), len(body)))
    assert b"".join(blocks) == body
    assert max(map(len, blocks)) <= BLOCK_BYTES


def test_a_body_that_says_it_is_too_large_is_not_read():
    assert _status(Silent(), 11, 10) == 413


def test_a_body_that_turns_out_too_large_is_refused():
    assert _status(io.BytesIO(bytes(11)), None, 10) == 413
    assert list(read_blocks(io.BytesIO(bytes(10)), None, 10)) == [bytes(10)]


def test_a_body_shorter_than_it_said_is_cut_off():
    assert _status(io.BytesIO(bytes(9)), 10, 10) == 400
    assert _status(Cut(), None, 10) == 400


def test_a_client_that_stands_still_is_given_up():
    assert _status(Silent(), 10, 10) == 408


def test_draining_ends_with_the_body_with_the_client_and_by_itself():
    drain(io.BytesIO(bytes(1000)))
    drain(Cut())
    endless = Endless()
    drain(endless)
    assert endless.taken == 64 * 1024 * 1024
