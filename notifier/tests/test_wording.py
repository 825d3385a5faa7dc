import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_notifier.wording import clean_line, download_link, format_duration, format_size


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (29.6, "0:30"), (59.5, "1:00"), (3599.4, "59:59"), (3661, "1:01:01")],
)
def test_a_duration_is_said_as_on_a_clock(seconds: float, said: str):
    assert format_duration(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB (1,000 bytes)"),
        (999_949, "999.9 kB (999,949 bytes)"),
        (999_950, "1.0 MB (999,950 bytes)"),
        (5_000_000_000_000_000, "5000.0 TB (5,000,000,000,000,000 bytes)"),
    ],
)
def test_a_size_is_said_in_decimal_units(size: int, said: str):
    assert format_size(size) == said


def test_a_link_holds_the_file_id_and_nothing_beside():
    assert download_link("http://x/", "a&b=c d") == "http://x/download?fid=a%26b%3Dc%20d"


@given(st.text())
def test_a_clean_line_is_one_visible_line(text: str):
    line = clean_line(text)
    assert line.isprintable()
    assert clean_line(line) == line
