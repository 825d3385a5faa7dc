import io

import pytest
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
