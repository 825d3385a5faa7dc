"""Claims about the places, however the view came to be what it is."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conversions import (
    NOW,
    Body,
    accepted_status,
    before,
    conversion_body,
    job_body,
    job_ended,
)

from soundstrip_operator.places import Places
from soundstrip_operator.policy import Policy
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workload import Job

_POLICY = Policy(max_active_jobs=3, max_active_per_owner=2)


@dataclass
class World:
    """Objects as they stand, and a view that was told of each change."""

    view: View = field(default_factory=View)
    conversions: dict[int, Body] = field(default_factory=dict)
    jobs: dict[int, Body] = field(default_factory=dict)
    version: int = 1

    def put(self, number: int, **spec: Any) -> None:
        body = conversion_body(f"{number:024x}", f"uid-{number}", status=accepted_status())
        body["metadata"]["creationTimestamp"] = before(100 - number)
        body["spec"] |= {"owner": {"id": f"u{number % 3}", "name": "Ann"}} | spec
        self.conversions[number] = body
        self._show(body)

    def start(self, number: int, **parts: Any) -> None:
        if number in self.conversions:
            self.jobs[number] = job_body(self.conversions[number], **parts)
            self._show(self.jobs[number])

    def remove(self, number: int) -> None:
        body = self.conversions.pop(number, None)
        if body is not None:
            self.view.remove_conversion(body["metadata"]["name"])

    def collect(self, number: int) -> None:
        body = self.jobs.pop(number, None)
        if body is not None:
            self.view.jobs.remove(msgspec.convert(body, Job))

    def _show(self, body: Body) -> None:
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        if body["kind"] == "Job":
            self.view.jobs.put(msgspec.convert(body, Job))
        else:
            self.view.put_conversion(Conversion.parse(body))

    def seen_afresh(self) -> View:
        view = View()
        view.replace_conversions([Conversion.parse(b) for b in self.conversions.values()], 10**6)
        view.jobs.replace([msgspec.convert(b, Job) for b in self.jobs.values()], 10**6)
        return view


numbers = st.integers(1, 8)
deeds = st.one_of(
    st.tuples(st.just("put"), numbers, st.fixed_dictionaries({"priority": st.integers(-1, 1)})),
    st.tuples(st.just("put"), numbers, st.fixed_dictionaries({"suspend": st.booleans()})),
    st.tuples(st.just("put"), numbers, st.just({"cancelled": True})),
    st.tuples(st.just("start"), numbers, st.just({})),
    st.tuples(st.just("start"), numbers, st.just({"status": job_ended("Complete")})),
    st.tuples(st.just("start"), numbers, st.just({"metadata": {"deletionTimestamp": before(20)}})),
    st.tuples(st.just("remove"), numbers, st.just({})),
    st.tuples(st.just("collect"), numbers, st.just({})),
)


@given(done=st.lists(deeds, max_size=30), looks=st.sets(st.integers(0, 29)))
def test_what_is_taken_in_bit_by_bit_is_what_a_fresh_look_sees(
    done: list[tuple[str, int, Body]], looks: set[int]
):
    world = World()
    policy = Policy(max_active_jobs=0, max_active_per_owner=2)
    places = Places(world.view, policy)
    for step, (deed, number, parts) in enumerate(done):
        getattr(world, deed)(number, **parts)
        if step in looks:
            places.next_in_line(NOW)
    later = NOW + timedelta(seconds=60)
    fresh = Places(world.seen_afresh(), policy)
    assert places.line(later) == fresh.line(later)


@given(done=st.lists(deeds, max_size=30))
def test_no_place_stays_free_and_none_is_given_twice(done: list[tuple[str, int, Body]]):
    world = World()
    places = Places(world.view, _POLICY)
    for deed, number, parts in done:
        getattr(world, deed)(number, **parts)
        have = {f"vc-{n:024x}" for n in active_numbers(world)}
        given_now = places.next_in_line(NOW)
        assert not given_now & have
        for name in given_now:
            assert places.keep(name, NOW)
            places.commit(name)
            world.start(int(name.removeprefix("vc-"), 16))
        assert not places.next_in_line(NOW), "all that was free was given at once"
    waiting = [int(name.removeprefix("vc-"), 16) for name in places.line(NOW)]
    active = active_numbers(world)
    full = [sum(n % 3 == owner for n in active) >= 2 for owner in {n % 3 for n in waiting}]
    assert len(active) >= _POLICY.max_active_jobs or all(full)


def active_numbers(world: World) -> list[int]:
    return [n for n, body in world.jobs.items() if not body["status"].get("conditions")]


@pytest.fixture
def world() -> World:
    world = World()
    for number in (1, 2, 4):
        world.put(number)
    return world


def test_a_place_is_kept_until_its_job_is_seen(world: World):
    places = Places(world.view, Policy(max_active_jobs=1, max_active_per_owner=1))
    first, second = f"vc-{1:024x}", f"vc-{2:024x}"
    assert places.next_in_line(NOW) == {first}
    assert places.keep(first, NOW)
    assert not places.keep(second, NOW)
    world.start(1)
    assert not places.keep(second, NOW), "the Job has the place now"
    world.start(1, status=job_ended("Complete"))
    assert places.keep(second, NOW)


def test_who_came_later_does_not_get_the_place_by_asking_first(world: World):
    places = Places(world.view, Policy(max_active_jobs=1, max_active_per_owner=1))
    first, second = f"vc-{1:024x}", f"vc-{2:024x}"
    assert not places.keep(second, NOW)
    assert places.next_in_line(NOW) == {first}
    assert places.keep(first, NOW)


def test_who_cannot_use_a_place_lets_the_next_one_go_first(world: World):
    places = Places(world.view, Policy(max_active_jobs=1, max_active_per_owner=1))
    first, second = f"vc-{1:024x}", f"vc-{2:024x}"
    assert places.keep(first, NOW)
    places.step_back(first, NOW)
    assert places.next_in_line(NOW) == {second}
    assert not places.keep(first, NOW)
    world.start(2)
    world.start(2, status=job_ended("Failed"))
    assert places.keep(first, NOW)


def test_a_place_that_was_refused_is_not_offered_again_before_it_is_asked_for():
    world = World()
    world.put(1)
    places = Places(world.view, Policy(max_active_jobs=1, max_active_per_owner=1))
    only = f"vc-{1:024x}"
    assert places.keep(only, NOW)
    places.commit(only)
    places.release(only, NOW)
    assert places.next_in_line(NOW) == frozenset()
    assert places.keep(only, NOW)
    assert places.next_in_line(NOW) == frozenset()


def test_time_alone_frees_the_place_of_a_job_that_cannot_be_deleted(world: World):
    places = Places(world.view, Policy(max_active_jobs=1, max_active_per_owner=1))
    first, second = f"vc-{1:024x}", f"vc-{2:024x}"
    world.start(1, metadata={"deletionTimestamp": before(0)})
    assert not places.keep(second, NOW)
    freed = NOW + timedelta(seconds=30)
    assert places.take_reminders() == {first: freed}
    assert places.take_reminders() == {}
    assert places.next_in_line(freed) == {second}


def test_a_job_whose_creation_was_not_answered_keeps_the_place(world: World):
    places = Places(world.view, Policy(max_active_jobs=1, max_active_per_owner=1))
    first, second = f"vc-{1:024x}", f"vc-{2:024x}"
    assert places.keep(first, NOW)
    places.commit(first)
    places.step_back(first, NOW)
    assert not places.keep(second, NOW)
    assert places.keep(first, NOW)


def test_the_line_is_numbered_in_the_order_of_starting(world: World):
    world.put(5, priority=7)
    places = Places(world.view, Policy(max_active_jobs=0, max_active_per_owner=1))
    assert places.line(NOW) == {f"vc-{n:024x}": place for place, n in enumerate((5, 1, 2, 4), 1)}
