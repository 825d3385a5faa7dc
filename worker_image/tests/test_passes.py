from hypothesis import given
from hypothesis import strategies as st

from soundstrip_worker.passes import sum_up
from soundstrip_worker.progress import Position


def test_passes_share_the_medias_time():
    assert sum_up(Position(10, 8, ended=False), 0, 0.25) == Position(2.5, 2, ended=False)
    assert sum_up(Position(10, 8, ended=True), 2.5, 0.75) == Position(10, 6, ended=True)


@given(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 1e6))
def test_a_pass_begins_where_the_one_before_ended(length: float, share: float, seconds: float):
    end = sum_up(Position(length, None, ended=True), 0, share)
    begun = sum_up(Position(min(seconds, length), None, ended=False), end.seconds, 1 - share)
    assert end.seconds <= begun.seconds <= length * (1 + 1e-9) + 1e-9
