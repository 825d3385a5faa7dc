from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_service.pace import Balance, Pace, PacedSocket, TooSlow

PACE = Pace(header_seconds=10, bytes_per_second=100, grace_seconds=5)


@given(st.lists(st.integers(1, 1000), max_size=50))
def test_who_keeps_the_rate_is_never_too_slow(counts: list[int]):
    balance = Balance(PACE)
    for count in counts:
        balance.add(count, count / 100)


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0.1, 5)), max_size=50))
def test_who_is_waited_for_longer_than_the_grace_is(pieces: list[tuple[int, float]]):
    balance = Balance(PACE)
    count, waited = 0, 0.0
    try:
        for more, seconds in pieces:
            count, waited = count + more, waited + seconds
            balance.add(more, seconds)
    except TooSlow:
        assert waited > 5 + count / 100
    else:
        assert waited <= 5 + count / 100 + 1e-6


def test_without_a_rate_nobody_is_too_slow():
    Balance(Pace(bytes_per_second=0)).add(0, 1e9)


class Peer:
    """A socket of which each call takes as long as is said."""

    def __init__(self, seconds: float) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.timeout: float | None = None

    def recv(self, size: int) -> bytes:
        self.now += min(self.seconds, self.timeout or 1e9)
        if self.timeout is not None and self.seconds > self.timeout:
            raise TimeoutError
        return b"x"

    def send(self, piece: Any) -> int:
        self.now += self.seconds
        return 1

    def settimeout(self, seconds: float | None) -> None:
        self.timeout = seconds


def paced(seconds: float) -> tuple[PacedSocket, Peer]:
    peer = Peer(seconds)
    sock = PacedSocket(peer, PACE, clock=lambda: peer.now)
    sock.expect_header()
    return sock, peer


@pytest.mark.parametrize("seconds", [1, 9, 11])
def test_a_header_has_its_time_and_no_more(seconds: float):
    sock, peer = paced(seconds)
    with pytest.raises(TooSlow):
        deque((sock.recv(1) for _ in range(20)), maxlen=0)
    assert 10 <= peer.now <= 11


def test_the_app_s_own_time_is_not_the_client_s():
    sock, peer = paced(0.001)
    sock.end_header()
    for _ in range(20):
        peer.now += 1000
        sock.recv(1)


def test_each_request_of_a_connection_begins_with_a_new_balance():
    sock, _ = paced(4)
    for _ in range(5):
        sock.expect_header()
        sock.end_header()
        sock.recv(1)
    with pytest.raises(TooSlow):
        sock.recv(1)


def test_an_answer_is_paced_too():
    sock, peer = paced(0.1)
    with pytest.raises(TooSlow):
        sock.sendall(b"x" * 1000)
    assert peer.now < 6
