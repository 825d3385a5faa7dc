import pytest

from soundstrip_worker.waiting import pause_after


@pytest.mark.parametrize("seconds", [0.1, 0.2, 1, 3600])
def test_nothing_is_seen_later_than_by_a_twentieth_of_its_time_or_of_a_second(seconds: float):
    assert pause_after(seconds) <= min(0.05 * seconds, 0.05)


def test_it_is_never_looked_without_a_pause():
    assert pause_after(0) > 0
