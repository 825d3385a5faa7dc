import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.audio import Trim
from soundstrip_crds.conversion import Progress
from soundstrip_worker.progress import (
    TAIL_SIZE,
    Position,
    advance,
    format_position,
    parse_number,
    parse_position,
    part_seconds,
)


def block(microseconds: object, speed: str = "  2.5x", progress: str = "continue") -> bytes:
    lines = [
        "bitrate= 192.0kbits/s",
        "total_size=240000",
        f"out_time_us={microseconds}",
        f"out_time_ms={microseconds}",
        "out_time=00:00:10.000000",
        f"speed={speed}",
        f"progress={progress}",
    ]
    return "\n".join(lines).encode() + b"\n"


def test_the_last_complete_block_counts():
    text = block(1_000_000) + block(2_000_000) + b"bitrate= 192.0kbits/s\nout_time_us=9000000"
    assert parse_position(text) == Position(seconds=2.0, speed=2.5, ended=False)


def test_the_last_block_of_all_says_that_it_is_the_end():
    position = parse_position(block(3_000_000, progress="end"))
    assert position
    assert position.ended


def test_a_tail_that_starts_within_a_block_is_read():
    text = (block(1_000_000) * 40 + block(2_000_000))[-TAIL_SIZE:]
    position = parse_position(text)
    assert position
    assert position.seconds == 2.0


def test_a_block_without_a_time_is_no_position():
    assert parse_position(block("N/A")) is None


def test_the_last_block_with_a_time_counts():
    position = parse_position(block(2_000_000) + block("N/A", progress="end"))
    assert position
    assert position.seconds == 2.0


@given(st.floats(0, 1e6), st.none() | st.floats(0, 1000), st.booleans())
def test_a_position_is_written_as_it_is_read(seconds: float, speed: float | None, ended: bool):  # noqa: FBT001
    position = parse_position(format_position(Position(seconds, speed, ended)))
    assert position
    assert position.seconds == pytest.approx(seconds, abs=1e-6)
    assert position.ended is ended


@pytest.mark.parametrize(
    ("duration", "trim", "seconds"),
    [
        (10.0, None, 10.0),
        (None, None, None),
        (10.0, Trim(start=4), 6.0),
        (10.0, Trim(start=4, duration=2), 2.0),
        (10.0, Trim(start=9, duration=2), 1.0),
        (None, Trim(start=4), None),
        (None, Trim(duration=2), 2.0),
        (10.0, Trim(start=11), 0.0),
    ],
)
def test_the_whole_is_the_part_that_is_taken(
    duration: float | None, trim: Trim | None, seconds: float | None
):
    assert part_seconds(duration, trim) == seconds


def test_a_speed_that_is_not_known_is_none():
    position = parse_position(block(1_000_000, speed="N/A"))
    assert position
    assert position.speed is None


@given(st.binary(max_size=TAIL_SIZE))
def test_any_bytes_are_a_position_or_none(text: bytes):
    parse_position(text)


@given(st.text(max_size=40))
def test_a_number_is_finite_and_not_negative(text: str):
    number = parse_number(text)
    assert number is None or 0 <= number <= 1e9


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=20),
    st.one_of(st.none(), st.floats(0, 1e9)),
    st.one_of(st.none(), st.floats(0, 1e6)),
)
def test_percent_never_goes_back_and_is_not_complete_before_the_end(
    times: list[float], total: float | None, speed: float | None
):
    progress: Progress | None = None
    for seconds in times:
        before = progress or Progress(percent=0, seconds=0.0)
        progress = advance(progress, Position(seconds, speed, ended=False), total)
        assert (progress.percent is None) == (not total)
        assert total is None or (before.percent or 0) <= (progress.percent or 0) <= 99
        assert progress.seconds is not None
        assert progress.seconds >= (before.seconds or 0)
        assert (progress.estimated_seconds_left or 0) >= 0


def test_the_time_left_follows_from_the_speed():
    progress = advance(None, Position(seconds=20, speed=4, ended=False), total=60)
    assert progress == Progress(percent=33, seconds=20, speed=4, estimated_seconds_left=10)


def test_an_absurd_length_is_no_trouble():
    progress = advance(None, Position(seconds=1e9, speed=5e-324, ended=False), total=5e-324)
    assert progress.percent == 99


def test_without_a_length_there_is_a_speed_and_no_percent():
    progress = advance(None, Position(seconds=20, speed=4, ended=False), total=None)
    assert progress == Progress(seconds=20, speed=4, estimated_seconds_left=None)
