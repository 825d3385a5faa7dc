"""Claims about when a finished conversion leaves the cluster, and by which steps."""

from dataclasses import replace

import pytest
from tests.conversions import NOW, Body, before, condition, conversion, job, job_ended

from soundstrip_operator.actions import (
    AdoptConversion,
    ArchiveConversion,
    BackOff,
    DeleteJob,
    ExpireConversion,
    Publish,
    RequeueAfter,
)
from soundstrip_operator.decision import decide
from soundstrip_operator.policy import Policy
from soundstrip_operator.situation import Facts, Situation


def finished(ago: float = 100, ttl: int | None = None, **parts: object) -> Situation:
    status = {
        "observedGeneration": 1,
        "conditions": [
            condition("Succeeded", "False", "CorruptMedia"),
            condition("Finished", "True", "CorruptMedia", lastTransitionTime=before(ago)),
            condition("Notified", str(parts.pop("notified", True)), "Published"),
        ],
    }
    spec: Body = {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
    about = conversion(spec=spec, status=status, metadata=parts.pop("metadata", {}))
    policy = Policy(default_ttl=parts.pop("default", 1000))
    return replace(Situation(about, (), (), NOW, policy), **parts)


def test_it_stays_until_its_time():
    assert decide(finished(ago=999)) == (RequeueAfter(1),)
    assert decide(finished(ago=1000)) == (ArchiveConversion(),)


def test_what_the_object_says_counts_more_than_the_setting():
    assert decide(finished(ago=999, ttl=999)) == (ArchiveConversion(),)
    assert decide(finished(ago=1000, ttl=1001)) == (RequeueAfter(1),)
    assert decide(finished(ago=0, ttl=0, default=None)) == (ArchiveConversion(),)


def test_without_any_limit_it_stays_for_ever():
    assert decide(finished(ago=10**9, default=None)) == ()


def test_the_object_goes_when_exactly_this_state_of_it_is_archived():
    assert decide(finished(ago=1000, facts=Facts(archived="1"))) == (ExpireConversion(),)
    changed = finished(ago=1000, facts=Facts(archived="1"), metadata={"resourceVersion": "2"})
    assert decide(changed) == (ArchiveConversion(),)


def test_killed_between_archive_and_end_it_takes_the_same_steps_again():
    let_go = finished(ago=1000, metadata={"finalizers": []})
    assert decide(let_go) == (AdoptConversion(),)


def test_an_end_that_is_not_announced_yet_does_not_expire():
    assert decide(finished(ago=10**6, notified=False)) == (Publish(),)


def test_a_change_that_was_not_observed_yet_is_observed_before_it_is_archived():
    s = finished(ago=1000, metadata={"generation": 2})
    assert ArchiveConversion() not in decide(s)


def test_while_the_store_is_away_it_stays():
    away = finished(ago=1000, facts=Facts(storage_down="MongoDB did not answer"))
    assert decide(away) == (BackOff("MongoDB did not answer"),)


@pytest.mark.parametrize("ago", [60, 599])
def test_jobs_that_are_kept_for_their_logs_go_first(ago: float):
    kept = job(status=job_ended("Failed", ago=ago))
    s = finished(ago=1000, jobs=(kept,))
    assert decide(s) == (DeleteJob(kept.metadata.name, kept.metadata.uid),)
    going = job(metadata={"deletionTimestamp": before(1)})
    assert decide(replace(s, jobs=(going,))) == ()
    early = finished(ago=500, jobs=(kept,))
    assert decide(early) == (RequeueAfter(600 - ago), RequeueAfter(500))


def test_a_conversion_of_a_batch_stays_until_the_batch_has_come_to_its_end():
    assert decide(finished(ago=10**6, is_counted=True)) == (RequeueAfter(60),)
    assert decide(finished(ago=10**6, is_counted=False)) == (ArchiveConversion(),)
