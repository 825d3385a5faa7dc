"""Claims about the places in the line that are told."""

import msgspec
import pytest
from tests.conversions import NOW, accepted_status, before, conversion_body

from soundstrip_crds.conversion import Queue
from soundstrip_operator.places import Places
from soundstrip_operator.policy import Policy
from soundstrip_operator.positions import Positions
from soundstrip_operator.tokens import TokenBucket
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Workqueue


def waiting(number: int, told: int | None = None) -> Conversion:
    body = conversion_body(f"{number:024x}", f"uid-{number}", status=accepted_status())
    body["metadata"]["creationTimestamp"] = before(100 - number)
    parsed = Conversion.parse(body).parsed
    queue = Queue(position=told) if told else None
    status = msgspec.structs.replace(parsed.status, queue=queue)
    return Conversion(msgspec.structs.replace(parsed, status=status))


@pytest.fixture
def view() -> View:
    return View()


@pytest.fixture
def positions(view: View) -> Positions:
    places = Places(view, Policy(max_active_jobs=0))
    bucket = TokenBucket(1.0)
    return Positions(view, Workqueue(workers=1), places, writes=bucket, clock=lambda: NOW)


def test_who_comes_is_told_its_place_at_once(view: View, positions: Positions):
    for number in (1, 2):
        view.put_conversion(waiting(number))
    assert [positions.of(waiting(number)) for number in (1, 2)] == [1, 2]


def test_what_is_told_stays_until_its_turn_to_be_told_anew(view: View, positions: Positions):
    for number in (1, 2, 3):
        view.put_conversion(waiting(number, told=number + 4))
    assert [positions.of(waiting(number, told=number + 4)) for number in (1, 2, 3)] == [5, 6, 7]
    assert positions.moved() == [waiting(number).key for number in (1, 2, 3)]


def test_only_those_who_moved_are_told_anew(view: View, positions: Positions):
    view.put_conversion(waiting(1, told=1))
    view.put_conversion(waiting(2, told=3))
    assert positions.moved() == [waiting(2).key]


async def test_when_the_turn_has_come_the_new_place_is_told(view: View, positions: Positions):
    moved = waiting(1, told=9)
    view.put_conversion(moved)
    positions.tell_moved()
    assert positions.of(moved) == 1
    assert positions.of(moved) == 9, "and once only, until it is written"
