from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_worker.mp3.cuts import (
    GRID,
    OVERLAP,
    TAIL,
    WARM_UP,
    Extent,
    Span,
    measure,
    plan_segments,
    samples_of,
)
from soundstrip_worker.mp3.frames import RATES, frame_samples

EXTENTS = st.builds(Extent, st.floats(60, 40_000), st.sampled_from(RATES), st.floats(0.01, 0.5))


@given(EXTENTS, st.integers(1, 16))
def test_segments_cover_the_whole_and_overlap_by_warm_up_and_comparison(extent: Extent, cores: int):
    segments = plan_segments(extent, cores)
    assert 1 <= len(segments) <= cores
    assert (segments[0].start, segments[0].cut, segments[-1].end) == (0, 0, None)
    for before, after in pairwise(segments):
        assert after.start == after.cut - WARM_UP > before.cut + OVERLAP
        assert before.end == after.cut + OVERLAP + TAIL
        assert after.start % GRID == 0


@given(EXTENTS, st.integers(2, 16))
def test_all_come_to_their_end_at_nearly_the_same_time(extent: Extent, cores: int):
    segments = plan_segments(extent, cores)
    total = extent.seconds * extent.rate / frame_samples(extent.rate)
    ends = [*(segment.cut for segment in segments[1:]), total]
    times = [
        extent.decoding_share * end + end - segment.cut
        for segment, end in zip(segments, ends, strict=True)
    ]
    assert max(times) - min(times) <= 2.5 * GRID


def test_each_half_minute_is_worth_a_core():
    assert [len(plan_segments(Extent(seconds, 48000), 16)) for seconds in (60, 100, 9000)] == [
        2,
        3,
        16,
    ]


@pytest.mark.parametrize(("rate", "samples"), [(48000, 1152), (22050, 576)])
def test_a_span_counts_samples(rate: int, samples: int):
    first, last = plan_segments(Extent(100, rate), 2)
    assert samples_of(first, rate) == Span(0, (first.end or 0) * samples)
    assert samples_of(last, rate) == Span(last.start * samples, None)


@pytest.mark.parametrize(
    ("seconds", "rate"), [(None, 48000), (59.9, 48000), (100, None), (100, 96000), (0, 48000)]
)
def test_what_is_short_or_of_an_unknown_length_or_rate_is_not_cut(
    seconds: float | None, rate: int | None
):
    assert measure(seconds, rate) is None
    assert measure(60.0, 48000) == Extent(60.0, 48000)
