from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.mp3 import Toy, fuzz_joiner, make_file, make_frame, make_header

from soundstrip_worker.mp3.cuts import OVERLAP, TAIL, WARM_UP, Segment
from soundstrip_worker.mp3.frames import Malformed, parse_header
from soundstrip_worker.mp3.joining import Disagreement, Part, join
from soundstrip_worker.mp3.recordings import Recording
from soundstrip_worker.mp3.xing import Music, Tag

PADDING = 700
SEGMENTS = (
    Segment(0, 0, 300 + OVERLAP + TAIL),
    Segment(300 - WARM_UP, 300, 600 + OVERLAP + TAIL),
    Segment(600 - WARM_UP, 600, None),
)
TOY = Toy([(900, 3)], 5, WARM_UP)
FILES = [make_file(list(TOY.encode(each)), PADDING) for each in SEGMENTS]
SERIAL = list(TOY.encode(Segment(0, 0, None)))

_SLOW_OR_SHARED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)

Edit = Callable[[bytes], bytes]


def flip(at: int, bit: int) -> Edit:
    """Change one bit, of the header or of a frame."""

    def edit(content: bytes) -> bytes:
        where = 20 + at % (len(content) - 20)
        changed = bytes([content[where] ^ 1 << bit])
        return content[:where] + changed + content[where + 1 :]

    return edit


def cut_off(at: int) -> Edit:
    return lambda content: content[: at % len(content)]


def drop(at: int) -> Edit:
    """Leave a frame out."""

    def edit(content: bytes) -> bytes:
        where = 20 + at % ((len(content) - 20) // 417) * 417
        return content[:where] + content[where + 417 :]

    return edit


def swap(at: int) -> Edit:
    """Change two neighbouring frames over."""

    def edit(content: bytes) -> bytes:
        a = 20 + at % ((len(content) - 20) // 417 - 1) * 417
        return content[:a] + content[a + 417 : a + 834] + content[a : a + 417] + content[a + 834 :]

    return edit


EDITS = st.one_of(
    st.builds(flip, st.integers(0), st.integers(0, 7)),
    st.builds(cut_off, st.integers(0)),
    st.builds(drop, st.integers(0)),
    st.builds(swap, st.integers(0)),
)


def join_files(directory: Path, contents: list[bytes]) -> list[bytes]:
    paths = [directory / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    parts = [
        Part(segment, Recording(path).frames(None))
        for segment, path in zip(SEGMENTS, paths, strict=True)
    ]
    return list(join(parts, through_silence=True))


def test_segments_in_files_are_joined(tmp_path: Path):
    assert join_files(tmp_path, FILES) == SERIAL


@settings(max_examples=100, suppress_health_check=_SLOW_OR_SHARED)
@given(st.integers(0, 2), EDITS)
def test_a_damaged_segment_is_refused(tmp_path: Path, number: int, edit: Edit):
    contents = list(FILES)
    contents[number] = edit(contents[number])
    if contents[number] == FILES[number]:
        return
    with pytest.raises((Malformed, Disagreement)):
        join_files(tmp_path, contents)


@settings(max_examples=30, suppress_health_check=_SLOW_OR_SHARED)
@given(st.permutations(range(3)))
def test_segments_in_another_order_are_refused(tmp_path: Path, order: list[int]):
    if order == [0, 1, 2]:
        return
    with pytest.raises((Malformed, Disagreement)):
        join_files(tmp_path, [FILES[number] for number in order])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=7))
def test_what_a_fuzzer_changes_is_noticed(content: bytes):
    fuzz_joiner(content)


def test_the_number_of_samples_is_checked(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(FILES[0])
    samples = (300 + OVERLAP + TAIL + 1) * 1152 - 576 - PADDING
    assert list(Recording(path).frames(samples))
    with pytest.raises(Malformed, match="samples"):
        list(Recording(path).frames(samples + 1152))


@pytest.mark.parametrize("content", [b"", b"ID3", make_frame((2, 2), b"") * 3, FILES[0][:30]])
def test_a_file_without_a_header_is_malformed(tmp_path: Path, content: bytes):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(Malformed):
        Recording(path)


@given(st.integers(0, 3000))
def test_the_table_of_contents_rises_from_nothing(count: int):
    music = Music()
    frame = make_frame((2, 2), b"")
    for _ in range(count):
        music.add(frame)
    table = list(music.table(417))
    assert len(table) == 100
    assert table == sorted(table)
    share = [256 * n // 100 for n in range(100)]
    if count > 1000:
        assert max(abs(a - b) for a, b in zip(table, share, strict=True)) <= 2


def test_a_changed_bit_rate_is_a_variable_one():
    music = Music()
    music.add(make_frame((2, 2), b""))
    assert not music.has_variable_rate
    assert Tag(make_header()).tell(music, 0)[36:40] == b"Info"
    other = bytes.fromhex("fffbe000")
    music.add(other.ljust(parse_header(other).size, b"\0"))
    assert music.has_variable_rate
    assert Tag(make_header()).tell(music, 0)[36:40] == b"Xing"
