"""Claims about tries and the waits between them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conversions import one_try

from soundstrip_crds.conversion import Try
from soundstrip_operator.backoff import delay, may_retry, memory_growth, next_start
from soundstrip_operator.policy import Policy

POLICY = Policy()


def tries(*reasons: str) -> tuple[Try, ...]:
    bodies = [one_try(number, reason) for number, reason in enumerate(reasons, start=1)]
    return msgspec.convert(bodies, tuple[Try, ...])


@given(uid=st.text(min_size=1), number=st.integers(1, 50))
def test_a_wait_is_between_half_and_all_of_the_exponential_one_and_under_the_cap(
    uid: str, number: int
):
    full = min(300.0, 5.0 * 3.0 ** (number - 1))
    assert full / 2 <= delay(uid, number, POLICY) <= full


def test_a_wait_is_the_same_after_a_restart_and_another_for_another_conversion():
    last = tries("WorkerLost")[0]
    assert next_start("a", last, POLICY) == next_start("a", last, POLICY)
    assert next_start("a", last, POLICY) != next_start("b", last, POLICY)


@pytest.mark.parametrize(
    ("reasons", "again"),
    [
        (["WorkerLost"] * 3, True),
        (["WorkerLost"] * 4, False),
        (["OutOfMemory"], True),
        (["OutOfMemory", "OutOfMemory"], False),
        (["OutOfMemory", "WorkerLost", "OutOfMemory"], False),
        (["DeadlineExceeded", "DeadlineExceeded"], False),
        (["OutOfMemory", "DeadlineExceeded", "WorkerLost"], True),
    ],
)
def test_each_reason_has_its_number_of_tries(*, reasons: list[str], again: bool):
    assert may_retry(tries(*reasons), POLICY) is again


def test_memory_doubles_with_each_out_of_memory_and_with_nothing_else():
    assert memory_growth(()) == 1
    assert memory_growth(tries("WorkerLost", "OutOfMemory")) == 2
    assert memory_growth(tries("OutOfMemory", "OutOfMemory")) == 4
