import io
import socket
import struct
from itertools import cycle

import pytest
from gunicorn.http.body import Body, LengthReader
from gunicorn.http.unreader import SocketUnreader
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import ClientDisconnected

from soundstrip_service.bodies import GuardedBody, SlowClient

SIZES = st.lists(st.integers(1, 40), min_size=60, max_size=60)


class Silent(io.RawIOBase):
    def read(self, size: int | None = -1) -> bytes:
        raise BlockingIOError(11, "Resource temporarily unavailable")


@given(st.binary(max_size=60), SIZES, st.booleans())
def test_a_whole_body_passes_unchanged(body: bytes, sizes: list[int], chunked: bool):  # noqa: FBT001
    guarded = GuardedBody(io.BytesIO(body), None if chunked else len(body))
    assert b"".join(guarded.read(size) for size in sizes) == body


@given(st.binary(max_size=60), st.integers(1, 9), SIZES)
def test_a_body_that_is_too_short_is_never_taken_for_whole(
    body: bytes, lacking: int, sizes: list[int]
):
    guarded = GuardedBody(io.BytesIO(body), len(body) + lacking)
    with pytest.raises(ClientDisconnected):
        b"".join(guarded.read(size) for size in sizes)


def test_a_short_body_that_is_read_at_once_or_by_lines_is_refused_too():
    with pytest.raises(ClientDisconnected):
        GuardedBody(io.BytesIO(b"a\nb"), 9).read()
    with pytest.raises(ClientDisconnected):
        list(GuardedBody(io.BytesIO(b"a\nb"), 9))


def test_lines_are_passed_on():
    assert GuardedBody(io.BytesIO(b"a\nb\n"), 4).readlines() == [b"a\n", b"b\n"]


def test_a_silent_sender_is_the_callers_fault():
    with pytest.raises(SlowClient):
        GuardedBody(Silent(), 9).read(3)


@given(
    body=st.binary(max_size=300),
    sizes=st.lists(st.integers(1, 40), min_size=1),
    rest=st.binary(max_size=9),
)
def test_a_body_received_and_read_in_turn_passes_unchanged(
    body: bytes, sizes: list[int], rest: bytes
):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(body + rest)
        reader = LengthReader(SocketUnreader(ours), len(body))
        stream = GuardedBody(Body(reader), len(body), ours)
        got, ways = b"", cycle((stream.receive, stream.read, stream.receive))
        for size, way in zip(cycle(sizes), ways, strict=False):
            if not (piece := way(size)):
                break
            got += piece
        assert got == body
        assert reader.unreader.read(len(rest)) == rest


def test_a_received_body_that_breaks_off_is_never_taken_for_whole():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.sendall(b"half")
        theirs.close()
        body = Body(LengthReader(SocketUnreader(ours), 8))
        stream = GuardedBody(body, 8, ours)
        assert stream.receive(8) == b"half"
        with pytest.raises(ClientDisconnected):
            stream.receive(8)


def test_a_sender_that_falls_silent_is_told_apart_from_one_that_leaves():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 1000))
        stream = GuardedBody(Body(LengthReader(SocketUnreader(ours), 8)), 8, ours)
        with pytest.raises(SlowClient):
            stream.receive(8)
