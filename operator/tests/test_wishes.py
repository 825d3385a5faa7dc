"""Claims about what a person, or Kueue, may ask of a conversion that is there."""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from tests.conversions import (
    NOW,
    SUCCESS_REPORT,
    Body,
    accepted_status,
    before,
    conversion,
    ended,
    job,
    one_try,
    pod,
    running,
)
from tests.situations import (
    conversion_with,
    failing,
    latched,
    profile,
    situation,
    told,
    trying,
    written,
)

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.names import KUEUE_QUEUE
from soundstrip_operator.actions import (
    ClaimSource,
    ConfirmJobGone,
    CreateJob,
    DeleteJob,
    LookUpResult,
    LookUpWarning,
    Publish,
)
from soundstrip_operator.decision import decide
from soundstrip_operator.situation import Answer, Facts, Situation
from soundstrip_operator.workload import JobSpec, JobStatus


def cancelled(*tries: Body, **parts: object) -> Situation:
    about = conversion(spec={"cancelled": True}, status=accepted_status(*tries))
    return situation(about, **parts)


def test_cancelling_ends_it_at_once_and_then_removes_the_job():
    s = cancelled(one_try(), jobs=(job(),), pods=(pod(running(), running()),))
    status = written(s)
    assert told(status) == ("False", "Cancelled")
    assert status.runs[0].tries[0].reason == "Cancelled"
    after = replace(s, conversion=conversion_with(s.conversion, status))
    assert DeleteJob(job().metadata.name, job().metadata.uid) in decide(after)


def test_cancelling_what_is_done_does_not_throw_the_result_away():
    done = pod(ended(0, message=SUCCESS_REPORT), ended(0))
    status = written(cancelled(one_try(), jobs=(job(),), pods=(done,)))
    assert told(status) == ("True", "Succeeded")


def suspended(*tries: Body, **parts: object) -> Situation:
    about = conversion(spec={"suspend": True}, status=accepted_status(*tries))
    return situation(about, **parts)


def test_what_is_suspended_starts_no_try():
    status = written(suspended())
    assert told(status) == ("Unknown", "Suspended")
    assert told(status, "Finished")[0] == "False"
    again = replace(suspended(), conversion=conversion_with(suspended().conversion, status))
    assert decide(again) == ()


def test_suspending_ends_the_try_and_then_removes_its_job():
    s = suspended(one_try(), jobs=(job(),), pods=(pod(running(), running()),))
    status = written(s)
    assert told(status) == ("Unknown", "Suspended")
    assert status.runs[0].tries[0].reason == "Suspended"
    after = replace(s, conversion=conversion_with(s.conversion, status))
    assert DeleteJob(job().metadata.name, job().metadata.uid) in decide(after)


def test_suspending_what_is_done_does_not_throw_the_result_away():
    done = pod(ended(0, message=SUCCESS_REPORT), ended(0))
    status = written(suspended(one_try(), jobs=(job(),), pods=(done,)))
    assert told(status) == ("True", "Succeeded")


def test_what_is_resumed_looks_for_a_result_and_goes_on_at_once():
    resumed = trying(one_try(reason="Suspended", ended=1))
    assert decide(resumed) == (LookUpResult(),)
    absent = replace(resumed, facts=Facts(result=Answer.NO, place=Answer.YES))
    assert decide(absent) == (CreateJob(1, 2, 1),)


def test_suspending_uses_up_no_try():
    past = [one_try(number, "Suspended") for number in range(1, 9)]
    s = trying(
        *past,
        one_try(9),
        jobs=(job(9),),
        pods=(pod(ended(23), ended(137), 9),),
        facts=Facts(result=Answer.NO),
    )
    assert told(written(s)) == ("Unknown", "Queued")


def queued_by_kueue(*tries: Body, suspend: bool = True, **parts: object) -> Situation:
    about = conversion(spec={"queueName": "videos"}, status=accepted_status(*tries))
    labels = job().metadata.labels | {KUEUE_QUEUE: "videos"}
    told_before = [{"type": "Suspended", "status": str(suspend)}]
    made = job(metadata={"labels": labels}, status={"conditions": told_before})
    made = msgspec.structs.replace(made, spec=JobSpec(suspend=suspend))
    return situation(about, jobs=(made,) if tries else (), **parts)


def test_kueue_decides_in_the_place_of_our_own_line():
    assert decide(queued_by_kueue()) == (CreateJob(1, 1, 1),)


def test_while_kueue_has_not_admitted_it_nothing_is_judged():
    for age in (1, 100_000):
        s = replace(queued_by_kueue(one_try(ended=age)), now=NOW + timedelta(seconds=age))
        assert told(written(s)) == ("Unknown", "Queued")


def test_what_kueue_takes_back_waits_again_and_begins_anew():
    killed = pod(ended(21), ended(21), metadata={"deletionTimestamp": before(2)})
    far = conversion(spec={"queueName": "videos"}, status=converting(60))
    s = replace(queued_by_kueue(one_try(), pods=(killed,)), conversion=far)
    status = written(s)
    assert told(status) == ("Unknown", "Queued")
    assert status.progress is not None
    assert status.progress.percent == 0
    again = queued_by_kueue(one_try(), suspend=False, pods=(killed,))
    assert isinstance(decide(again)[0], LookUpWarning), "the old pod's end is not this one's"


def test_a_pod_that_goes_may_have_been_taken_back_before_its_job_was_seen_suspended():
    killed = pod(ended(21), ended(21), metadata={"deletionTimestamp": before(2)})
    s = queued_by_kueue(one_try(), suspend=False, pods=(killed,))
    start = NOW - timedelta(minutes=1)
    admitted_once = msgspec.structs.replace(s.jobs[0], status=JobStatus(start_time=start))
    s = replace(s, jobs=(admitted_once,))
    assert decide(s) == (ConfirmJobGone(admitted_once.metadata.name),)
    asked = replace(s, facts=Facts(job_gone=Answer.NO))
    assert decide(asked) == (LookUpResult(),), "it was not: the pod is lost"


@pytest.mark.parametrize("start", [None, NOW])
def test_a_pod_from_before_the_job_was_admitted_again_is_not_its(start: datetime | None):
    s = queued_by_kueue(one_try(), suspend=False, pods=(pod(ended(21), ended(21)),))
    admitted_again = msgspec.structs.replace(s.jobs[0], status=JobStatus(start_time=start))
    first, *_ = decide(replace(s, jobs=(admitted_again,)))
    assert not isinstance(first, LookUpResult | ConfirmJobGone)


def converting(percent: int) -> Body:
    body = accepted_status(one_try())
    body["conditions"][1]["reason"] = "Converting"
    return body | {"progress": {"percent": percent}}


def wanting_run(number: int, status: Body) -> Situation:
    return situation(conversion(spec={"run": number}, status=status))


def test_a_conversion_that_failed_runs_again_from_the_start_when_a_person_wants_it():
    failed = accepted_status(one_try(reason="CorruptMedia")) | latched("False", "CorruptMedia")
    status = written(wanting_run(2, failed))
    assert [run.number for run in status.runs] == [1, 2]
    assert told(status) == ("Unknown", "Queued")
    assert told(status, "Finished")[0] == "False"
    assert status.condition("Notified") is None
    begun = replace(
        wanting_run(2, {}), conversion=conversion_with(wanting_run(2, {}).conversion, status)
    )
    assert decide(begun) == (ClaimSource(),), "the source may be gone by now"
    accepted = written(replace(begun, facts=Facts(source=Answer.YES)))
    then = conversion_with(begun.conversion, accepted)
    placed = replace(begun, conversion=then, facts=Facts(place=Answer.YES))
    assert decide(placed) == (CreateJob(2, 1, 1),)


def test_another_run_makes_what_the_profile_says_then():
    asked, made = {"profile": "mine"}, {"profile": "mine", "format": "mp3", "bitrate": "128k"}
    failed = latched("False", "DiskFull") | {"output": made}
    again = conversion(spec={"output": asked, "run": 2}, status=failed)
    begun = written(situation(again, profiles=(profile("mine", bitrate="320k"),)))
    assert begun.output is None
    claimed = situation(
        conversion_with(again, begun),
        profiles=(profile("mine", bitrate="320k"),),
        facts=Facts(source=Answer.YES),
    )
    assert written(claimed).output == ResolvedOutput(profile="mine", format="mp3", bitrate="320k")


def test_an_end_is_announced_before_the_next_run_begins():
    failed = latched("False", "CorruptMedia", notified=False)
    assert decide(wanting_run(2, failed)) == (Publish(),)


def test_what_succeeded_does_not_run_again():
    assert decide(wanting_run(2, latched())) == ()


def test_the_outcome_of_each_run_is_kept():
    status = written(failing(10))
    assert (status.runs[-1].reason, status.runs[-1].finished_at) == ("UnsupportedMedia", NOW)
