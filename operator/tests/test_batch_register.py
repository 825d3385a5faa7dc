"""Claims about how batches and their conversions are followed, and how often they are looked at."""

import asyncio

import msgspec
import pytest
from tests.batches import batch, child_body, items_of
from tests.conversions import Body, condition, conversion, conversion_body

from soundstrip_crds.batch import ConversionBatch, Selector
from soundstrip_operator.batch.pace import Pace
from soundstrip_operator.batch.register import Register
from soundstrip_operator.batch.selection import gather_sources, write_query
from soundstrip_operator.view import Conversion, View

_UID = "batch-1"


class Ears:
    """Whom a register tells."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    def __call__(self, name: str) -> None:
        self._heard.append(name)

    def take(self) -> list[str]:
        """What was heard since this was last asked."""
        heard, self._heard = self._heard, []
        return heard


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def view(ears: Ears) -> View:
    return View(Register(ears))


def one_of_it(version: int, how: str = "waiting", metadata: Body | None = None) -> Conversion:
    about = batch(1)
    body = child_body(about, items_of(about)[0], how)
    body["metadata"] |= {"resourceVersion": str(version)} | (metadata or {})
    return Conversion.parse(body)


def it(version: int, **parts: Body) -> ConversionBatch:
    metadata = {"resourceVersion": str(version)} | parts.pop("metadata", {})
    return batch(1, metadata=metadata, **parts)


def test_a_conversions_step_is_told_if_it_means_anything_for_its_batch(view: View, ears: Ears):
    view.put_conversion(one_of_it(1))
    assert ears.take() == ["holiday"]
    view.put_conversion(one_of_it(2))
    assert ears.take() == []
    view.put_conversion(one_of_it(3, "running"))
    assert ears.take() == ["holiday"]
    view.put_conversion(one_of_it(2, "waiting"))
    assert ears.take() == [], "old news"
    view.remove_conversion(one_of_it(3).key)
    assert ears.take() == ["holiday"]
    assert view.batches.children_of(_UID) == ()


def test_a_conversion_that_is_orphaned_is_none_of_the_batch_any_more(view: View, ears: Ears):
    view.put_conversion(one_of_it(1))
    ears.take()
    view.put_conversion(one_of_it(2, metadata={"ownerReferences": []}))
    assert ears.take() == ["holiday"]
    assert view.batches.children_of(_UID) == ()


def test_a_conversion_made_anew_for_another_batch_is_of_that_one(view: View, ears: Ears):
    view.put_conversion(one_of_it(1))
    other = {"kind": "ConversionBatch", "name": "other", "uid": "batch-2", "controller": True}
    view.put_conversion(one_of_it(2, metadata={"uid": "new", "ownerReferences": [other]}))
    assert set(ears.take()) == {"holiday", "other"}
    assert view.batches.children_of(_UID) == ()
    assert len(view.batches.children_of("batch-2")) == 1


def test_a_conversion_without_a_batch_is_told_to_nobody(view: View, ears: Ears):
    view.put_conversion(Conversion.parse(conversion_body()))
    view.remove_conversion(Conversion.parse(conversion_body()).key)
    assert ears.take() == []


def test_what_is_wanted_of_a_batch_is_told_and_its_status_is_not(view: View, ears: Ears):
    view.batches.put(it(1))
    assert ears.take() == ["holiday"]
    view.batches.put(it(3, status={"total": 1}))
    assert ears.take() == []
    view.batches.put(it(2))
    found = view.batches.find("holiday")
    assert found
    assert found.status.total == 1, "old news"
    view.batches.put(it(4, metadata={"generation": 2}))
    assert ears.take() == ["holiday"]


def test_a_list_of_batches_takes_away_what_is_gone_and_has_the_others_looked_at(
    view: View, ears: Ears
):
    view.batches.put(it(3))
    view.batches.put(it(30, metadata={"name": "later"}))
    ears.take()
    view.batches.replace([it(4, metadata={"name": "new"})], 10)
    assert set(ears.take()) == {"new"}
    assert view.batches.find("holiday") is None
    assert view.batches.find("later")


def test_the_end_of_a_batch_is_not_taken_for_the_end_of_its_namesake(view: View):
    view.batches.put(it(2, metadata={"uid": "batch-2"}))
    view.batches.remove(it(1))
    assert view.batches.find("holiday")


def test_many_changes_make_one_look_now_and_one_after_the_interval():
    passed: list[tuple[str, float]] = []

    async def change() -> None:
        pace = Pace(lambda key, seconds: passed.append((key, seconds)), 1000.0)
        for _ in range(5):
            pace.add("holiday")
        pace.add("other")

    asyncio.run(change())
    assert [key for key, _ in passed] == ["holiday", "holiday", "other"]
    assert passed[0][1] == passed[2][1] == 0
    assert 990 < passed[1][1] <= 1000


def test_a_selector_is_asked_as_the_api_server_takes_it():
    requirements = [
        {"key": "year", "operator": "In", "values": ["2025", "2026"]},
        {"key": "soundstrip.dev/draft", "operator": "NotIn", "values": ["yes"]},
        {"key": "rated", "operator": "Exists"},
        {"key": "hidden", "operator": "DoesNotExist"},
    ]
    body = {"matchLabels": {"album": "holiday", "a": ""}, "matchExpressions": requirements}
    assert write_query(msgspec.convert(body, Selector)) == (
        "a=,album=holiday,year in (2025,2026),soundstrip.dev/draft notin (yes),rated,!hidden,"
        "!soundstrip.dev/batch"
    )
    assert write_query(Selector()) == "!soundstrip.dev/batch"


def test_only_the_owners_sources_are_selected_and_each_once():
    again = conversion(metadata={"name": f"vc-{'0' * 24}-00000000"})
    foreign = conversion(file_id="f" * 24, spec={"owner": {"id": "u2", "name": "Bob"}})
    sources = gather_sources(batch(), [conversion(), again, foreign])
    assert [source.file_id for source in sources] == [conversion().spec.source.file_id]


def test_the_sources_of_a_batch_are_awaited_until_all_its_conversions_are_made(view: View):
    view.batches.put(it(1))
    assert view.batches.awaited_sources() == {"0" * 24}
    view.batches.put(it(2, status={"total": 1}))
    assert view.batches.awaited_sources() == frozenset()


def test_an_open_batch_counts_on_its_conversions_and_on_no_others(view: View):
    mine, other = one_of_it(1).parsed, conversion()
    assert not view.batches.counts_on(mine), "of a batch that is gone"
    view.batches.put(it(1))
    assert view.batches.counts_on(mine)
    assert not view.batches.counts_on(other)
    ended = condition("Finished", "True", "Succeeded")
    view.batches.put(it(2, status={"conditions": [ended]}))
    assert not view.batches.counts_on(mine)
