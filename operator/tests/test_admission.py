"""Claims about who may start."""

import random
from collections import Counter
from dataclasses import replace
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

from soundstrip_crds.names import KUEUE_QUEUE, OWNER_LABEL
from soundstrip_operator.admission import Waiting, occupies_place, stand_of, take_turns
from soundstrip_operator.policy import Policy

moments = st.integers(0, 100).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
crowds = st.lists(
    st.builds(
        Waiting,
        rank=st.integers(-2, 2),
        created=moments,
        name=st.uuids().map(str),
        owner=st.sampled_from("abc"),
    ),
    unique_by=lambda one: one.name,
    max_size=12,
)
running = st.dictionaries(st.sampled_from("abc"), st.integers(0, 4))


def turns(crowd: list[Waiting], running: dict[str, int], most: int) -> list[Waiting]:
    lines = {owner: sorted(one for one in crowd if one.owner == owner) for owner in "abc"}
    return list(take_turns(lines, running, most))


@given(crowd=crowds, running=running, most=st.integers(1, 6))
def test_each_turn_goes_by_priority_then_the_owner_with_least_running_then_age(
    crowd: list[Waiting], running: dict[str, int], most: int
):
    left, runs = list(crowd), Counter(running)
    for chosen in turns(crowd, running, most):
        free = [one for one in left if runs[one.owner] < most]
        assert chosen == min(free, key=lambda one: (one.rank, runs[one.owner], one))
        left.remove(chosen)
        runs[chosen.owner] += 1
    assert not [one for one in left if runs[one.owner] < most], "nobody is left who could start"


@given(crowd=crowds, running=running, seed=st.randoms())
def test_the_order_of_asking_does_not_matter(
    crowd: list[Waiting], running: dict[str, int], seed: random.Random
):
    shuffled = list(crowd)
    seed.shuffle(shuffled)
    assert turns(shuffled, running, 3) == turns(crowd, running, 3)


@given(crowd=crowds)
def test_an_owner_with_many_waiting_does_not_keep_another_from_starting(crowd: list[Waiting]):
    level = [replace(one, rank=0) for one in crowd]
    owners = {one.owner for one in level}
    first = turns(level, {}, 100)[: len(owners)]
    assert {one.owner for one in first} == owners


@pytest.mark.parametrize(
    ("parts", "active"),
    [
        ({}, True),
        ({"status": job_ended("Complete")}, False),
        ({"status": job_ended("Failed")}, False),
        ({"status": job_ended("FailureTarget")}, True),
        ({"metadata": {"deletionTimestamp": before(5)}}, True),
        ({"metadata": {"deletionTimestamp": before(31)}}, False),
        ({"metadata": {"labels": {KUEUE_QUEUE: "videos"}}}, False),
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
        ({"status": accepted_status(one_try(reason="Suspended", ended=1))}, True),
        ({"status": accepted_status(), "spec": {"suspend": True}}, False),
        ({"status": accepted_status(), "spec": {"queueName": "videos"}}, False),
        ({"status": accepted_status(), "spec": {"cancelled": True}}, False),
        ({"status": accepted_status(), "metadata": {"deletionTimestamp": before(1)}}, False),
        ({"status": {"conditions": [condition("Succeeded", "False", "X")]}}, False),
    ],
)
def test_only_who_could_start_stands_in_line(*, parts: Body, waits: bool):
    stand = stand_of(conversion(**parts), (), Policy(), NOW)
    assert (stand is not None and stand.waiting is not None) is waits


def test_who_waits_for_the_next_try_is_looked_at_when_it_is_due():
    soon = conversion(status=accepted_status(one_try(reason="WorkerLost", ended=1)))
    stand = stand_of(soon, (), Policy(), NOW)
    assert stand is not None
    assert stand.review is not None
    then = stand_of(soon, (), Policy(), stand.review)
    assert then is not None
    assert then.waiting is not None


def test_a_job_that_is_made_and_not_recorded_is_not_waited_for_again():
    done = job(status=job_ended("Complete"))
    assert stand_of(conversion(status=accepted_status()), (done,), Policy(), NOW) is None


def test_a_job_whose_conversion_is_gone_counts_for_its_owner():
    left = job(metadata={"labels": job().metadata.labels | {OWNER_LABEL: "u7"}})
    stand = stand_of(None, (left,), Policy(), NOW)
    assert stand is not None
    assert (stand.owner, stand.active) == ("u7", 1)
