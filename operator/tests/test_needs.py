"""Claims about what a conversion takes of a node and of time."""

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.conversions import conversion

from soundstrip_crds.audio import Output
from soundstrip_crds.conversion import Source
from soundstrip_operator.needs import deadline, estimate
from soundstrip_operator.resources import Share

MOST = 1_000_000


def source(size: int = 500_000, **known: Any) -> Source:
    return Source(
        file_id="a" * 24, filename="a", size=size, content_type="a", sha256="0" * 64, **known
    )


def test_disk_follows_from_the_audio_and_not_from_the_video():
    needs = estimate(source(audio_bytes=7_000, duration_seconds=8), Output().resolve(), MOST)
    assert needs.mover.disk == 7_000
    assert needs.converter.disk == 2 * 8 * 192_000 / 8


def test_an_index_that_was_not_understood_means_the_whole_file_and_the_longest_result():
    needs = estimate(source(), Output().resolve(), MOST)
    assert (needs.mover, needs.converter) == (Share(disk=500_000), Share(disk=2 * MOST))


def test_memory_grows_with_the_length():
    short, long = (
        estimate(source(duration_seconds=seconds), Output().resolve(), MOST).converter.memory
        for seconds in (60, 4 * 3600)
    )
    assert short < 1024**2 < 32 * 1024**2 < long < 128 * 1024**2


@pytest.mark.parametrize(
    ("words", "bytes_per_second"),
    [
        ({"format": "opus", "bitrate": "128k"}, 16_000),
        ({"bitrate": "128k"}, 2 * 16_000),
        ({"quality": "V0"}, 2 * 40_000),
        ({"format": "wav"}, 576_000),
    ],
)
def test_disk_follows_from_the_format(words: dict[str, Any], bytes_per_second: int):
    needs = estimate(source(duration_seconds=1), Output(**words).resolve(), MOST)
    assert needs.converter.disk == bytes_per_second


def test_what_is_kept_as_it_is_takes_what_it_took():
    needs = estimate(source(audio_bytes=7_000), Output(format="original").resolve(), MOST)
    assert needs.converter.disk == 7_000


@given(
    st.integers(0, 10**15),
    st.one_of(st.none(), st.integers(0, 10**15)),
    st.one_of(st.none(), st.floats(0, 1e300)),
)
def test_a_file_that_lies_asks_for_no_more_than_there_can_be(
    size: int, audio: int | None, seconds: float | None
):
    told = source(size, audio_bytes=audio, duration_seconds=seconds)
    needs = estimate(told, Output().resolve(), MOST)
    for share in (needs.mover, needs.converter):
        assert all(number >= 0 for number in asdict(share).values())
    assert needs.mover.disk <= size
    assert needs.converter.disk <= 2 * MOST


@pytest.mark.parametrize(
    ("seconds", "wanted", "granted"),
    [(None, 3600, 3600), (60, 3600, 660), (60, 30, 30), (7200, 3600, 3600), (1e300, 3600, 3600)],
)
def test_the_deadline_follows_from_the_length_and_is_never_longer_than_wanted(
    seconds: float | None, wanted: int, granted: int
):
    spec = conversion(spec={"activeDeadlineSeconds": wanted}).spec
    assert deadline(replace(spec, source=source(duration_seconds=seconds))) == granted


def test_a_loudness_is_given_time_for_its_passes():
    output = {"format": "mp3", "loudness": {"target": -16}}
    spec = conversion(spec={"activeDeadlineSeconds": 10_000, "output": output}).spec
    assert deadline(replace(spec, source=source(duration_seconds=100))) == 600 + 4 * 100
