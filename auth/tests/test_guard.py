"""How long those who guess wait, and who does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_auth.guard import (
    FORGOTTEN_AFTER,
    PACES,
    Kind,
    Pace,
    Record,
    TooManyAttempts,
    choose_marks,
    is_slow,
    seconds_left,
    wait_after,
    widen,
)

PACE = Pace(free=5, longest=900.0)
paces = st.sampled_from(list(PACES.values()))
failures = st.integers(0, 10**6)


def test_the_wait_grows_from_a_second_to_a_quarter_of_an_hour():
    waits = [wait_after(n, PACE) for n in (0, 4, 5, 6, 7, 14, 15, 1000)]
    assert waits == [0, 0, 1, 2, 4, 512, 900, 900]


@given(paces, failures)
def test_the_wait_never_shrinks_and_never_passes_its_bound(pace: Pace, number: int):
    assert wait_after(number, pace) <= wait_after(number + 1, pace) <= pace.longest


@given(paces, failures, st.floats(0, 2 * FORGOTTEN_AFTER))
def test_nobody_waits_for_ever(pace: Pace, number: int, age: float):
    left = seconds_left(Record(number, age), pace)
    assert 0 <= left <= pace.longest
    assert seconds_left(Record(number, age + left), pace) < 1e-6


@given(paces, failures)
def test_a_day_without_a_failure_forgets_them_all(pace: Pace, number: int):
    record = Record(number, FORGOTTEN_AFTER)
    assert seconds_left(record, pace) == 0
    assert not is_slow(record, pace)


@given(failures)
def test_attempts_come_one_at_a_time_once_there_is_a_wait(number: int):
    assert is_slow(Record(number, 1e3), PACE) == (wait_after(number, PACE) > 0)


@pytest.mark.parametrize(("seconds", "said"), [(0.0, 1), (0.2, 1), (1.0, 1), (1.2, 2), (900, 900)])
def test_what_is_said_is_long_enough(seconds: float, said: int):
    assert TooManyAttempts(seconds).seconds == said


def test_a_stranger_s_guesses_do_not_count_where_the_user_is_known():
    stranger = set(choose_marks("Anna", "192.0.2.1", is_known=False))
    user = set(choose_marks("anna", "192.0.2.7", is_known=True))
    assert {mark.kind for mark in stranger} == {Kind.ACCOUNT, Kind.ADDRESS}
    assert not {mark.digest for mark in stranger} & {mark.digest for mark in user}


def test_a_login_counts_the_same_in_capitals_or_not():
    assert choose_marks("ANNA", "x", is_known=False) == choose_marks("anna", "x", is_known=False)


@pytest.mark.parametrize(
    ("address", "widened"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("no address", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_ipv6_line_counts_as_one(address: str, widened: str):
    assert widen(address) == widened
