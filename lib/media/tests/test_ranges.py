from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_media.ranges import Coverage, Range, merge, subtract
from soundstrip_media.reading import NotUnderstood

SIZE = 60
ENOUGH = (1 << 17) + 2
"""Ranges that are looked through once: after twice as many as may stay."""
SPANS = st.lists(st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(sorted))


@given(SPANS, st.integers(1, 20))
def test_a_coverage_is_the_union_of_all_grains_that_were_touched(
    spans: list[list[int]], grain: int
):
    coverage = Coverage(SIZE, grain)
    for start, stop in spans:
        coverage.add(start, stop)
    touched = {at // grain for start, stop in spans for at in range(start, stop)}
    wanted = {at for at in range(SIZE) if at // grain in touched}
    ranges = coverage.ranges()
    assert {at for each in ranges for at in range(each.start, each.stop)} == wanted
    assert all(one.stop < other.start for one, other in pairwise(ranges))


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (2, 1), (0, SIZE + 1), (1 << 70, 1 << 71)])
def test_bytes_that_the_file_does_not_have_are_no_range(start: int, stop: int):
    with pytest.raises(NotUnderstood):
        Coverage(SIZE).add(start, stop)


def test_ranges_without_end_are_refused_before_they_fill_the_memory():
    coverage = Coverage(1 << 40)
    with pytest.raises(NotUnderstood):
        add_every_other_byte(coverage, ENOUGH)


def add_every_other_byte(coverage: Coverage, count: int) -> None:
    for at in range(count):
        coverage.add(2 * at, 2 * at + 1)


def test_many_ranges_that_are_a_few_are_kept():
    coverage = Coverage(1 << 20)
    for at in range(ENOUGH):
        coverage.add(at * 7919 % 4096, at * 7919 % 4096 + 1)
    assert coverage.ranges() == (Range(0, 4096),)


PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=8)


@given(PAIRS, PAIRS)
def test_what_is_left_of_ranges_is_what_is_in_no_hole(
    some: list[tuple[int, int]], others: list[tuple[int, int]]
):
    ranges, holes = (
        merge(Range(start, start + length) for start, length in pairs if length)
        for pairs in (some, others)
    )
    left = subtract(ranges, holes)
    inside = {at for each in ranges for at in range(each.start, each.stop)}
    outside = {at for each in holes for at in range(each.start, each.stop)}
    assert {at for each in left for at in range(each.start, each.stop)} == inside - outside
    assert all(each.length > 0 for each in left)
