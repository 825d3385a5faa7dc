from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from soundstrip_notifier.backoff import (
    LONGEST_SECONDS,
    expiration_milliseconds,
    reconnect_delays,
)

dice = st.floats(0, 1, exclude_max=True)


def test_waits_grow_to_a_cap_and_never_end():
    delays = list(islice(reconnect_delays(lambda: 0.999999), 50))
    assert delays == sorted(delays)
    assert LONGEST_SECONDS - 0.1 < delays[-1] <= LONGEST_SECONDS


@given(dice)
def test_no_wait_is_shorter_than_half_its_ceiling(thrown: float):
    first, second = islice(reconnect_delays(lambda: thrown), 2)
    assert 0.25 <= first <= 0.5
    assert 0.5 <= second <= 1


@given(st.integers(1, 3600), dice)
def test_a_message_stays_in_its_delay_queue_no_longer_than_the_queue_says(
    seconds: int, thrown: float
):
    assert 750 * seconds <= expiration_milliseconds(seconds, lambda: thrown) <= 1000 * seconds
