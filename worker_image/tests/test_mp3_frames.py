import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.mp3 import make_file, make_frame

from soundstrip_worker.mp3.frames import (
    RATES,
    Malformed,
    beginning_anew,
    count_sounding,
    frame_samples,
    parse_header,
    read_id3,
    walk,
)


@pytest.mark.parametrize(
    ("head", "size", "samples", "rate", "kilobits", "channels"),
    [
        ("fffb9064", 417, 1152, 44100, 128, 2),
        ("fffb9264", 418, 1152, 44100, 128, 2),
        ("fffbe4c4", 960, 1152, 48000, 320, 1),
        ("fff384c4", 192, 576, 24000, 64, 1),
        ("ffe310c4", 52, 576, 11025, 8, 1),
    ],
)
def test_a_header_tells_size_samples_rate_and_channels(
    head: str, size: int, samples: int, rate: int, kilobits: int, channels: int
):
    header = parse_header(bytes.fromhex(head))
    assert (header.samples, header.rate, header.channels) == (samples, rate, channels)
    assert (header.size, header.kilobits) == (size, kilobits)


def test_every_rate_has_a_header():
    words = (
        bytes([0xFF, 0xE0 | version << 3 | 3, 0x90 | rate << 2, 0])
        for version, rate in itertools.product((0, 2, 3), range(3))
    )
    headers = [parse_header(word) for word in words]
    assert {header.rate for header in headers} == set(RATES)
    assert all(header.samples == frame_samples(header.rate) for header in headers)


@given(st.binary(max_size=5))
def test_any_four_bytes_are_a_header_or_malformed(head: bytes):
    try:
        header = parse_header(head)
    except Malformed:
        return
    assert header.side_end <= header.size or header.kilobits < 32


@pytest.mark.parametrize("head", ["fffb0064", "fffbf064", "fffb9c64", "ffeb9064", "fffd9064", ""])
def test_reserved_values_other_layers_and_open_bit_rates_are_malformed(head: str):
    with pytest.raises(Malformed):
        parse_header(bytes.fromhex(head))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2))))
def test_a_walk_yields_the_frames_and_counts_their_sound(sounding: list[tuple[int, int]]):
    frames = [make_frame(each, b"sound") for each in sounding]
    assert list(walk(io.BytesIO(b"".join(frames)))) == frames
    assert [count_sounding(frame) for frame in frames] == sounding


@given(st.tuples(st.integers(0, 2), st.integers(0, 2)))
def test_a_silent_granule_tells_whether_the_search_begins_anew(sounding: tuple[int, int]):
    told, untold = (make_frame(sounding, b"sound", anew=anew) for anew in (True, False))
    assert count_sounding(told) == count_sounding(untold) == sounding
    assert beginning_anew(told) == {n for n, count in enumerate(sounding) if count < 2}
    assert beginning_anew(untold) == set()


@given(st.integers(1, 2000), st.binary(min_size=1, max_size=3))
def test_a_walk_goes_over_nothing_that_is_no_frame(cut: int, junk: bytes):
    content = make_frame((2, 2), b"a") * 5
    for damaged in (content[: -(cut % 416 + 1)], content + junk):
        with pytest.raises(Malformed):
            list(walk(io.BytesIO(damaged)))


def test_an_id3_tag_is_read_whole_or_not_at_all():
    content = make_file([make_frame((2, 2), b"a")], 700)
    file = io.BytesIO(content)
    assert read_id3(file) == content[:20]
    assert read_id3(file) == b""
    assert file.tell() == 20
    with pytest.raises(Malformed):
        read_id3(io.BytesIO(content[:15]))
