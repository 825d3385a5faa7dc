from hypothesis import given
from hypothesis import strategies as st

from soundstrip_gateway.idempotency import digest

PARTS = st.lists(st.text(max_size=4), max_size=4)


@given(PARTS, PARTS)
def test_no_two_divisions_of_a_text_have_one_hash(one: list[str], other: list[str]):
    assert (digest(*one) == digest(*other)) == (one == other)
