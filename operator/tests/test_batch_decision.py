"""Claims about the decision on a batch."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.batches import STATUSES, batch, child, items_of, source
from tests.conversions import NOW, Body, conversion

from soundstrip_crds.batch import BatchStatus, ConversionBatch
from soundstrip_crds.conversion import Source
from soundstrip_crds.names import BATCH_LABEL, FINALIZER, OWNER_LABEL
from soundstrip_operator.actions import BackOff
from soundstrip_operator.batch.actions import (
    Action,
    ChangeChild,
    CreateChild,
    LabelBatch,
    SelectSources,
    WriteStatus,
)
from soundstrip_operator.batch.decision import MOST_WRITES, decide
from soundstrip_operator.batch.line import hold_back
from soundstrip_operator.batch.plan import build_child
from soundstrip_operator.batch.situation import Facts, Situation

Standing = tuple[str, Body]


def situation(
    about: ConversionBatch, standings: Sequence[str | Standing] = (), facts: Facts | None = None
) -> Situation:
    """The first items of the batch, as they stand."""
    pairs = [one if isinstance(one, tuple) else (one, {}) for one in standings]
    items = items_of(about)
    children = [child(about, items[i], how, **spec) for i, (how, spec) in enumerate(pairs)]
    return Situation(about, tuple(children), NOW, facts or Facts())


def written(actions: tuple[Action, ...]) -> BatchStatus:
    """The status in the only action there is."""
    [action] = actions
    assert isinstance(action, WriteStatus)
    return action.status


def reasons(status: BatchStatus) -> tuple[str, str, str]:
    """Value and reason of Succeeded, and the value of Finished."""
    succeeded, finished = status.condition("Succeeded"), status.condition("Finished")
    assert succeeded
    assert finished
    return succeeded.status, succeeded.reason, finished.status


RUNNING: Body = {"total": 3}


def test_a_batch_gets_the_label_of_its_owner_first():
    assert decide(situation(batch(metadata={"labels": {}}))) == (LabelBatch(),)


def test_a_batch_that_is_being_deleted_is_left_alone():
    leaving = batch(metadata={"deletionTimestamp": "2026-11-23T12:00:00Z"})
    assert decide(situation(leaving)) == ()


def test_a_conversion_is_made_of_each_source_to_each_profile():
    about = batch(2, spec={"profiles": ["high", "small"]})
    begun, *made = decide(situation(about))
    assert reasons(written((begun,))) == ("Unknown", "Creating", "False")
    items = [one.item for one in made if isinstance(one, CreateChild)]
    found = [(item.source.filename, item.output.profile) for item in items]
    assert found == [
        ("clip-0.mp4", "high"),
        ("clip-0.mp4", "small"),
        ("clip-1.mp4", "high"),
        ("clip-1.mp4", "small"),
    ]
    assert len({item.name for item in items}) == 4


def test_without_a_profile_the_default_is_asked_for():
    [item] = items_of(batch(1))
    assert build_child(batch(1), item, suspend=False)["spec"]["output"] == {}


def test_a_conversion_belongs_to_the_batch_and_is_adopted_from_the_beginning():
    about = batch(1, spec={"priority": 7, "queueName": "night", "activeDeadlineSeconds": 60})
    [item] = items_of(about)
    body = build_child(about, item, suspend=True)
    metadata, spec = body["metadata"], body["spec"]
    assert metadata["labels"] == {OWNER_LABEL: "u1", BATCH_LABEL: "holiday"}
    assert metadata["finalizers"] == [FINALIZER]
    [owner] = metadata["ownerReferences"]
    assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (
        "batch-1", True, True,
    )  # fmt: skip
    assert (spec["priority"], spec["queueName"], spec["suspend"]) == (7, "night", True)
    assert (spec["activeDeadlineSeconds"], spec["notify"]) == (60, {"email": False})


def test_a_batch_made_anew_makes_other_conversions():
    again = batch(1, metadata={"uid": "batch-2"})
    assert items_of(again)[0].name != items_of(batch(1))[0].name


def test_no_more_is_made_at_once_than_lets_others_come_in_between():
    made = [one for one in decide(situation(batch(500))) if isinstance(one, CreateChild)]
    assert len(made) == MOST_WRITES


def test_what_waits_for_a_place_is_made_suspended():
    about = batch(3, spec={"parallelism": 1})
    made = [one.suspend for one in decide(situation(about)) if isinstance(one, CreateChild)]
    assert made == [False, True, True]


def test_the_total_stands_when_all_are_made():
    status = written(decide(situation(batch(), ["new", "waiting", "running"])))
    assert status.total == 3
    assert status.counts
    assert (status.counts.waiting, status.counts.running) == (2, 1)
    assert reasons(status) == ("Unknown", "Running", "False")


def test_what_is_missing_once_all_were_made_is_not_made_again():
    status = written(decide(situation(batch(status=RUNNING), ["succeeded", "waiting"])))
    assert status.counts
    assert status.counts.missing == 1


@pytest.mark.parametrize(
    ("spec", "standings", "reason"),
    [
        ({}, ["succeeded"] * 3, ("True", "Succeeded")),
        ({}, ["succeeded"], ("True", "Succeeded")),
        ({}, [], ("False", "NothingLeft")),
        ({}, ["succeeded", "failed", "succeeded"], ("False", "ItemsFailed")),
        ({}, ["succeeded", "cancelled", "succeeded"], ("False", "ItemsCancelled")),
        ({}, ["failed", "cancelled", "succeeded"], ("False", "ItemsFailed")),
        ({"cancelled": True}, ["succeeded", "cancelled", "failed"], ("False", "Cancelled")),
        ({"cancelled": True}, ["succeeded"] * 3, ("True", "Succeeded")),
        ({"cancelled": True}, ["succeeded", "failed", "succeeded"], ("False", "ItemsFailed")),
        ({"failurePolicy": "FailFast"}, ["failed", "cancelled"], ("False", "ItemsFailed")),
    ],
)
def test_the_outcome_says_what_became_of_it(
    spec: Body, standings: list[str], reason: tuple[str, str]
):
    status = written(decide(situation(batch(spec=spec, status=RUNNING), standings)))
    assert reasons(status) == (*reason, "True")


def test_the_outcome_stands_whatever_comes_after_it():
    done = written(decide(situation(batch(status=RUNNING), ["succeeded"] * 3)))
    about = batch(metadata={"generation": 2}, spec={"cancelled": True})
    about = ConversionBatch(metadata=about.metadata, spec=about.spec, status=done)
    status = written(decide(situation(about, ["running", "failed"])))
    assert reasons(status) == ("True", "Succeeded", "True")
    assert status.counts == done.counts
    assert status.observed_generation == 2


def test_the_first_failures_are_named():
    about = batch(20, status={"total": 20})
    status = written(decide(situation(about, ["failed"] * 12 + ["waiting"] * 8)))
    assert [one.filename for one in status.failures] == [f"clip-{n}.mp4" for n in range(10)]
    assert {one.reason for one in status.failures} == {"NoAudioTrack"}


def test_a_failure_stops_nothing_by_default():
    status = written(decide(situation(batch(status=RUNNING), ["failed", "running", "waiting"])))
    assert reasons(status) == ("Unknown", "Running", "False")


@pytest.mark.parametrize(
    ("spec", "first"), [({"failurePolicy": "FailFast"}, "failed"), ({"cancelled": True}, "running")]
)
def test_the_first_failure_or_a_person_cancels_what_is_unfinished(spec: Body, first: str):
    about = batch(4, spec=spec)
    cancelling = ("waiting", {"cancelled": True})
    actions = decide(situation(about, [first, "running", cancelling]))
    names = [item.name for item in items_of(about)]
    expected = [names[1]] if first == "failed" else names[:2]
    assert actions == tuple(ChangeChild(name, cancelled=True) for name in expected)


def test_what_was_not_made_when_it_stopped_is_counted_as_missing():
    about = batch(4, spec={"failurePolicy": "FailFast"})
    status = written(decide(situation(about, ["failed", ("running", {"cancelled": True})])))
    assert reasons(status) == ("Unknown", "Stopping", "False")
    assert status.counts
    assert (status.total, status.counts.missing) == (4, 2)
    succeeded = status.condition("Succeeded")
    assert succeeded
    assert "clip-0.mp4" in succeeded.message


def test_a_batch_cancelled_before_anything_was_made_makes_nothing():
    for what in ({}, {"items": None, "selector": {}}):
        status = written(decide(situation(batch(spec=what | {"cancelled": True}))))
        assert reasons(status) == ("False", "Cancelled", "True")


def test_a_suspended_batch_suspends_all_that_is_unfinished():
    about = batch(spec={"suspend": True}, status=RUNNING)
    names = [item.name for item in items_of(about)]
    actions = decide(situation(about, ["running", "waiting", "succeeded"]))
    assert actions == tuple(ChangeChild(name, suspend=True) for name in names[:2])
    held: Standing = ("waiting", {"suspend": True})
    status = written(decide(situation(about, [held, held, "succeeded"])))
    assert reasons(status) == ("Unknown", "Suspended", "False")


def test_the_batch_owns_suspend_and_priority_of_what_is_unfinished():
    about = batch(2, spec={"priority": 9}, status={"total": 2})
    names = [item.name for item in items_of(about)]
    before: Standing = ("waiting", {"priority": 0})
    held: Standing = ("waiting", {"suspend": True})
    assert decide(situation(about, [before, held])) == (
        ChangeChild(names[0], priority=9),
        ChangeChild(names[1], suspend=False),
    )
    ended: Standing = ("failed", {"suspend": True, "priority": 0})
    [status] = decide(situation(about, [ended, "succeeded"]))
    assert isinstance(status, WriteStatus)


def test_who_is_held_back_gives_its_place_away_before_another_gets_it():
    about = batch(2, spec={"parallelism": 1}, status={"total": 2})
    first, second = (item.name for item in items_of(about))
    actions = decide(situation(about, ["blocked", ("waiting", {"suspend": True})]))
    assert actions == (ChangeChild(first, suspend=True), ChangeChild(second, suspend=False))


def test_what_is_being_deleted_is_not_counted_and_not_made_again():
    about = batch(2)
    items = items_of(about)
    leaving = conversion(
        metadata={
            "name": items[0].name,
            "deletionTimestamp": "2026-11-23T12:00:00Z",
        },
        status=STATUSES["running"],
    )
    s = Situation(about, (leaving, child(about, items[1], "succeeded")), NOW)
    status = written(decide(s))
    assert (status.total, status.counts and status.counts.missing) == (2, 1)
    assert reasons(status) == ("True", "Succeeded", "True")


SELECTS: Body = {"items": None, "selector": {"matchLabels": {"album": "holiday"}}}


def test_a_selector_is_looked_up_before_anything_is_made():
    *_, action = decide(situation(batch(spec=SELECTS)))
    assert action == SelectSources()


def test_what_is_selected_is_made_in_the_order_of_its_upload():
    sources = batch(3).spec.items or ()
    facts = Facts(selected=(sources[2], sources[0], sources[1]))
    actions = decide(situation(batch(spec=SELECTS), facts=facts))
    made = [one.item.source.filename for one in actions if isinstance(one, CreateChild)]
    assert made == ["clip-0.mp4", "clip-1.mp4", "clip-2.mp4"]


@pytest.mark.parametrize(("number", "reason"), [(0, "NothingSelected"), (501, "TooManySelected")])
def test_a_selection_that_makes_no_batch_is_an_end(number: int, reason: str):
    selected = tuple(msgspec.convert(source(n), Source) for n in range(number))
    facts = Facts(selected=selected)
    status = written(decide(situation(batch(spec=SELECTS), facts=facts)))
    assert reasons(status) == ("False", reason, "True")
    assert status.total == 0


def test_a_refusal_is_told_and_tried_again():
    facts = Facts(refusal="The API server answered 403: quota")
    for about in (batch(), batch(spec=SELECTS)):
        told, retry = decide(situation(about, facts=facts))
        assert reasons(written((told,))) == ("Unknown", "Creating", "False")
        assert retry == BackOff("The API server answered 403: quota")


hows = st.sampled_from(["new", "waiting", "blocked", "running", "succeeded", "failed"])
standings = st.lists(st.tuples(hows, st.booleans()), min_size=1, max_size=8)


@given(standings=standings, unmade=st.integers(0, 4), parallelism=st.integers(1, 5))
def test_free_places_are_given_to_the_first_that_can_go_on(
    standings: list[tuple[str, bool]], unmade: int, parallelism: int
):
    about = batch(len(standings) + unmade, spec={"parallelism": parallelism})
    s = situation(about, [(how, {"suspend": suspend}) for how, suspend in standings])
    held = hold_back(s)
    names = [item.name for item in items_of(about)]
    how_of = dict(zip(names, (how for how, _ in standings), strict=False))
    ended = {name for name in names if how_of.get(name) in {"succeeded", "failed"}}
    loose = set(names) - held - ended
    running = {name for name in names if how_of.get(name) == "running"}
    assert running <= loose, "who has a Job keeps it"
    assert len(loose) == max(len(running), min(parallelism, len(names) - len(ended)))
    if any(how_of[name] == "blocked" for name in loose & how_of.keys()):
        assert all(how_of.get(name) == "blocked" for name in held), "and takes no other's place"
