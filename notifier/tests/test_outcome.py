"""What becomes of a message: the decision alone."""

from hypothesis import given
from hypothesis import strategies as st

from soundstrip_notifier.outcome import (
    ATTEMPTS_HEADER,
    REASON_HEADER,
    Acknowledge,
    Bury,
    Delay,
    Done,
    Failed,
    Hopeless,
    Postponed,
    clear_headers,
    count_attempts,
    decide,
    mark_headers,
)

DELAYS = (5, 30, 120)
some_delays = st.lists(st.integers(1, 3600), min_size=1, max_size=8)


def test_what_is_done_is_acknowledged():
    assert decide(Done("sent"), 2, DELAYS) == Acknowledge()


def test_each_failure_waits_longer_until_the_message_is_buried():
    settled = [decide(Failed("421 busy"), attempts, DELAYS) for attempts in range(4)]
    assert settled == [
        Delay(5, 1, "421 busy"),
        Delay(30, 2, "421 busy"),
        Delay(120, 3, "421 busy"),
        Bury(4, "given up after 4 tries: 421 busy"),
    ]


def test_what_is_hopeless_is_buried_at_once():
    assert decide(Hopeless("550 no such user"), 0, DELAYS) == Bury(1, "550 no such user")


@given(some_delays, st.integers(0, 100))
def test_a_postponement_never_uses_up_a_try(delays: list[int], attempts: int):
    settlement = decide(Postponed("MongoDB"), attempts, delays)
    assert isinstance(settlement, Delay)
    assert settlement.attempts == attempts
    assert settlement.seconds in delays


@given(some_delays)
def test_every_message_that_keeps_failing_is_buried_after_all_delays(delays: list[int]):
    attempts, rounds = 0, 0
    while isinstance(settlement := decide(Failed("no"), attempts, delays), Delay):
        attempts = count_attempts(mark_headers({}, settlement.attempts, settlement.reason))
        rounds += 1
    assert rounds == len(delays)


@given(st.one_of(st.none(), st.booleans(), st.text(), st.integers(max_value=-1), st.floats()))
def test_a_count_that_is_none_counts_as_never(value: object):
    assert count_attempts({ATTEMPTS_HEADER: value}) == 0


def test_marks_and_the_history_of_dead_lettering_are_cleared_and_others_kept():
    headers = mark_headers(
        {"traceparent": "t", "x-death": [{}], "x-first-death-queue": "q"}, 3, "r"
    )
    assert headers == {"traceparent": "t", ATTEMPTS_HEADER: 3, REASON_HEADER: "r"}
    assert clear_headers(headers) == {"traceparent": "t"}


def test_a_reason_in_a_header_is_one_short_line():
    reason = mark_headers(None, 1, "a\r\nb" * 1000)[REASON_HEADER]
    assert isinstance(reason, str)
    assert "\n" not in reason
    assert len(reason) <= 500
