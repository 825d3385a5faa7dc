"""Claims about who may start."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conversions import (
    NOW,
    Body,
    accepted_status,
    before,
    condition,
    conversion,
    job,
    job_ended,
    one_try,
)

from soundstrip_operator.admission import Waiting, admit, is_waiting, occupies_place
from soundstrip_operator.policy import Policy

moments = st.integers(0, 100).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
lines = st.lists(
    st.builds(Waiting, created=moments, name=st.uuids().map(str)),
    unique_by=lambda one: one.name,
)


@given(waiting=lines, active=st.integers(0, 20), limit=st.integers(1, 10))
def test_never_more_than_the_limit_and_no_place_stays_free(
    waiting: list[Waiting], active: int, limit: int
):
    admitted = admit(waiting, active, limit)
    assert len(admitted) == min(len(waiting), max(0, limit - active))


@given(waiting=lines, active=st.integers(0, 20), limit=st.integers(1, 10))
def test_nobody_waits_for_one_who_came_later(waiting: list[Waiting], active: int, limit: int):
    admitted = admit(waiting, active, limit)
    first_left = min((one for one in waiting if one.name not in admitted), default=None)
    for one in waiting:
        if one.name in admitted and first_left is not None:
            assert one <= first_left


@given(waiting=lines, limit=st.integers(1, 10), seed=st.randoms())
def test_the_order_of_asking_does_not_matter(
    waiting: list[Waiting], limit: int, seed: random.Random
):
    shuffled = list(waiting)
    seed.shuffle(shuffled)
    assert admit(shuffled, 0, limit) == admit(waiting, 0, limit)


@pytest.mark.parametrize(
    ("parts", "active"),
    [
        ({}, True),
        ({"status": job_ended("Complete")}, False),
        ({"status": job_ended("Failed")}, False),
        ({"status": job_ended("FailureTarget")}, True),
        ({"metadata": {"deletionTimestamp": before(5)}}, True),
        ({"metadata": {"deletionTimestamp": before(31)}}, False),
    ],
)
def test_a_job_has_its_place_until_it_ends_or_is_stuck(*, parts: Body, active: bool):
    assert occupies_place(job(**parts), NOW) is active


@pytest.mark.parametrize(
    ("parts", "waits"),
    [
        ({"status": accepted_status()}, True),
        ({"status": {}}, False),
        ({"status": {"conditions": [condition("Accepted", "Unknown", "X")]}}, False),
        ({"status": accepted_status(one_try())}, False),
        ({"status": accepted_status(one_try(reason="WorkerLost", ended=1))}, False),
        ({"status": accepted_status(one_try(reason="WorkerLost", ended=900))}, True),
        ({"status": accepted_status(), "spec": {"cancelled": True}}, False),
        ({"status": accepted_status(), "metadata": {"deletionTimestamp": before(1)}}, False),
        ({"status": {"conditions": [condition("Succeeded", "False", "X")]}}, False),
    ],
)
def test_only_who_could_start_stands_in_line(*, parts: Body, waits: bool):
    assert is_waiting(conversion(**parts), Policy(), NOW) is waits
