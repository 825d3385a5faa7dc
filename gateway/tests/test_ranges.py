import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.ranges import Part, Unsatisfiable, Whole, choose_span

ETAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, Whole()),
        ("bytes=0-", Part(0, 100)),
        ("bytes=0-0", Part(0, 1)),
        ("bytes=10-19", Part(10, 20)),
        ("bytes=90-1000", Part(90, 100)),
        ("bytes=-10", Part(90, 100)),
        ("bytes=-1000", Part(0, 100)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=20-10", Whole()),
        ("bytes=0-1,5-6", Whole()),
        ("bytes=-", Whole()),
        ("lines=0-1", Whole()),
        ("bytes=" + "9" * 5000 + "-", Whole()),
    ],
)
def test_a_range_means_what_rfc_9110_says(header: str | None, span: object):
    assert choose_span(header, None, ETAG, 100) == span


def test_a_range_of_another_version_is_the_whole_file():
    assert choose_span("bytes=1-2", '"other"', ETAG, 100) == Whole()
    assert choose_span("bytes=1-2", ETAG, ETAG, 100) == Part(1, 3)


@given(st.text() | st.from_regex(r"bytes=\d{0,20}-\d{0,20}"), st.integers(0, 2**40))
def test_a_part_is_never_empty_and_never_outside(header: str, size: int):
    span = choose_span(header, None, ETAG, size)
    if isinstance(span, Part):
        assert 0 <= span.start < span.stop <= size
