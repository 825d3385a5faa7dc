from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.links import most_bytes


@given(size=st.integers(1, 10**12), downloads=st.integers(1, 1000))
def test_a_link_gives_out_its_copies_and_never_one_more(size: int, downloads: int):
    most = most_bytes(size, downloads)
    assert most is not None
    assert most // size == downloads


def test_a_link_without_a_number_is_not_counted():
    assert most_bytes(5, None) is None
