"""Claims about conditions and the sentences in them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.conversions import NOW
from tests.situations import RESULT_FOUND

from soundstrip_crds.audio import Loudness, Output
from soundstrip_crds.conversion import MeasuredLoudness, Status
from soundstrip_crds.reasons import REMEDY, Reason
from soundstrip_operator.conditions import (
    explain,
    missed_loudness,
    observe,
    sentence,
    set_condition,
)


def with_condition(status: Status, value: str, message: str, seconds: int) -> Status:
    now = NOW + timedelta(seconds=seconds, milliseconds=3)
    return set_condition(status, "Succeeded", value, "X", message, generation=1, now=now)


def test_the_transition_time_moves_with_the_value_only_and_in_whole_seconds():
    first = with_condition(Status(), "Unknown", "a", 0)
    second = with_condition(first, "Unknown", "b", 10)
    third = with_condition(second, "True", "b", 20)
    times = [status.conditions[0].last_transition_time for status in (first, second, third)]
    assert times == [NOW, NOW, NOW + timedelta(seconds=20)]
    assert second.conditions[0].message == "b"


def test_observing_a_generation_reaches_every_condition():
    status = observe(with_condition(Status(), "Unknown", "a", 0), 7)
    assert status.observed_generation == 7
    assert [c.observed_generation for c in status.conditions] == [7]


@given(st.text(max_size=3000))
def test_what_others_wrote_is_one_line_of_bounded_length(text: str):
    told = sentence(text)
    assert len(told) <= 1024
    assert told.isprintable()
    assert told == told.strip()


@given(st.sampled_from(sorted(Reason)), st.text(max_size=3000))
def test_the_remedy_is_never_crowded_out(reason: Reason, cause: str):
    told = explain(reason, cause)
    assert told.endswith(REMEDY[reason])
    assert len(told) <= 1024


def test_the_cause_comes_before_the_remedy():
    told = explain(Reason.DISK_FULL, "The node is full")
    assert told == f"The node is full. {REMEDY[Reason.DISK_FULL]}"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (-16.5, ""),
        (-15.5, ""),
        (
            -18.7,
            "The loudness is -18.7 LUFS, not -16: that is as near as it comes with a true peak "
            "of -1 dBTP; ask for less, or for a higher truePeak.",
        ),
        (None, "The audio is silent, so it has no loudness."),
    ],
)
def test_a_loudness_that_was_missed_is_told(made: float | None, told: str):
    output = Output(loudness=Loudness(target=-16)).resolve()
    measured = made and MeasuredLoudness(integrated=made, true_peak=-1.0)
    assert missed_loudness(output, replace(RESULT_FOUND, loudness=measured or None)) == told


def test_no_loudness_is_told_of_where_none_was_wanted():
    assert not missed_loudness(Output().resolve(), RESULT_FOUND)
    assert not missed_loudness(None, RESULT_FOUND)
