from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.forms import (
    Data,
    Event,
    Field,
    FileStart,
    FormRefused,
    read_bare,
    read_form,
)

BOUNDARY = "----made-up-boundary"


def _encode(parts: Iterable[tuple[str, str | None, bytes]]) -> bytes:
    body = b""
    for name, filename, content in parts:
        extra = f'; filename="{filename}"' if filename is not None else ""
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def _cut(body: bytes, cuts: Iterable[int]) -> Iterator[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    for start, stop in pairwise(edges):
        if start < stop:
            yield body[start:stop]


def _content(events: Iterable[Event]) -> bytes:
    return b"".join(e.data for e in events if isinstance(e, Data))


HOSTILE = st.lists(
    st.sampled_from([b"\r\n", b"--", b"\r", BOUNDARY.encode(), b"\r\n--" + BOUNDARY.encode()[:-1]])
    | st.binary(max_size=40)
).map(b"".join)


@given(HOSTILE, st.lists(st.integers(0), max_size=12))
def test_a_form_cut_anywhere_gives_the_same_bytes(content: bytes, cuts: list[int]):
    if b"\r\n--" + BOUNDARY.encode() in b"\r\n" + content + b"\r\n":
        content = content.replace(BOUNDARY.encode(), b"")
    body = _encode([("bitrate", None, b"192k"), ("file", "clip.mp4", content)])
    events = list(read_form(_cut(body, cuts), BOUNDARY))
    assert _content(events) == content
    assert events[:2] == [Field("bitrate", "192k"), FileStart("clip.mp4")]


def test_a_form_cut_at_every_single_byte_gives_the_same_events():
    content = b"\r\n--" + BOUNDARY.encode()[:-1] + b"\r\n\r\n--"
    body = _encode([("file", "ü.mp4", content), ("notify", None, b"false")])
    for cut in range(len(body)):
        events = list(read_form(_cut(body, [cut]), BOUNDARY))
        assert _content(events) == content
        rest = [e for e in events if not isinstance(e, Data)]
        assert rest == [FileStart("ü.mp4"), Field("notify", "false")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        _encode([("file", "a", b"x")])[:-6],
        _encode([("file", "a", b"x"), ("file", "b", b"y")]),
        _encode([("note", None, b"x" * 1025)]),
        _encode([("video", "clip.mp4", b"x")]),
        _encode([(f"field{n}", None, b"x") for n in range(41)]),
        f"--{BOUNDARY}\r\nX: {'y' * 9000}\r\n\r\n".encode(),
    ],
)
def test_a_form_that_is_not_right_is_refused(body: bytes):
    with pytest.raises(FormRefused):
        list(read_form(iter([body] if body else []), BOUNDARY))


def test_several_files_come_one_after_the_other_up_to_as_many_as_are_allowed():
    body = _encode(
        [("file", "a.mp4", b"aa"), ("profiles", None, b"voice"), ("file", "b.mp4", b"bb")]
    )
    events = list(read_form(_cut(body, [100]), BOUNDARY, most_files=2))
    starts = [event for event in events if not isinstance(event, Data)]
    assert starts == [FileStart("a.mp4"), Field("profiles", "voice"), FileStart("b.mp4")]
    assert _content(events) == b"aabb"
    three = _encode([("file", None, b"x")] * 3)
    with pytest.raises(FormRefused, match="more than 2 files"):
        list(read_form(iter([three]), BOUNDARY, most_files=2))


def test_a_bare_file_tells_the_same_story_as_a_form():
    events = list(read_bare(iter([b"ab", b"c"]), "a.mp4", {"quality": "V1"}))
    assert events == [Field("quality", "V1"), FileStart("a.mp4"), Data(b"ab"), Data(b"c")]
