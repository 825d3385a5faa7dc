"""Claims about what is decided, one situation at a time."""

import json
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from tests.conversions import (
    NOW,
    RESULT,
    SUCCESS_REPORT,
    Body,
    accepted_status,
    before,
    conversion,
    ended,
    job,
    job_ended,
    one_try,
    pod,
    running,
)
from tests.situations import (
    RESULT_FOUND,
    asking_for,
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
from soundstrip_crds.job import ProgressPost
from soundstrip_crds.names import FINALIZER
from soundstrip_crds.reasons import PERMANENT, REMEDY, Reason
from soundstrip_operator.actions import (
    AdoptConversion,
    BackOff,
    ClaimSource,
    ConfirmJobGone,
    CreateJob,
    DeleteJob,
    LookUpResult,
    LookUpWarning,
    Publish,
    RemoveBlobs,
    RemoveFinalizer,
    RequestPlace,
    RequeueAfter,
    WriteStatus,
)
from soundstrip_operator.decision import decide
from soundstrip_operator.situation import Answer, Facts, Situation


@pytest.mark.parametrize("metadata", [{"finalizers": []}, {"labels": {}}])
def test_nothing_is_done_before_finalizer_and_owner_label_stand(metadata: Body):
    assert decide(situation(conversion(metadata=metadata))) == (AdoptConversion(),)


def test_a_finished_conversion_that_was_let_go_with_a_release_is_taken_on_again():
    let_go = conversion(metadata={"finalizers": []}, status=latched())
    assert decide(situation(let_go)) == (AdoptConversion(),)


def test_the_source_is_claimed_before_any_job():
    new = situation(conversion())
    assert decide(new) == (ClaimSource(),)
    status = written(replace(new, facts=Facts(source=Answer.YES)))
    assert told(status, "Accepted") == ("True", "SourceClaimed")
    accepted = replace(new, conversion=conversion_with(new.conversion, status))
    assert decide(accepted) == (RequestPlace(),)
    assert decide(replace(accepted, facts=Facts(place=Answer.YES))) == (CreateJob(1, 1, 1),)


def test_what_a_profile_says_is_settled_before_any_job_and_not_changed_with_it():
    s = asking_for("mine", profiles=(profile("mine", quality="V2"),))
    status = written(s)
    settled = ResolvedOutput(profile="mine", format="mp3", quality="V2")
    assert status.output == settled
    for later in ((), (profile("mine", bitrate="128k"),)):
        place = Facts(place=Answer.YES)
        about = conversion_with(s.conversion, status)
        then = replace(s, conversion=about, facts=place, profiles=later)
        assert decide(then) == (CreateJob(1, 1, 1),)
        assert written(replace(then, jobs=(job(),))).output == settled


def test_a_profile_that_is_not_there_is_told_and_waited_for():
    s = asking_for("mine", profiles=(profile("yours"),))
    status = written(s)
    assert told(status, "Accepted") == ("False", "InvalidProfile")
    assert told(status) == ("Unknown", "InvalidProfile")
    assert told(status, "Finished") == ("False", "Unfinished")
    accepted = status.condition("Accepted")
    assert accepted is not None
    assert "yours" in accepted.message
    waiting = replace(s, conversion=conversion_with(s.conversion, status), facts=Facts())
    assert decide(waiting) == (), "nothing is asked of anybody"
    made = replace(waiting, profiles=(profile("mine"), profile("yours")))
    assert told(written(made), "Accepted") == ("True", "SourceClaimed")


def test_what_waits_for_a_profile_is_cancelled_or_deleted_at_once():
    status = written(asking_for("mine"))
    given = {"output": {"profile": "mine"}}
    ended = conversion(spec=given | {"cancelled": True})
    assert told(written(situation(conversion_with(ended, status)))) == ("False", "Cancelled")
    deleted = conversion(metadata={"deletionTimestamp": before(1)}, spec=given)
    assert decide(situation(conversion_with(deleted, status))) == (RemoveBlobs(),)


def test_a_source_that_the_owner_has_not_ends_it_whatever_the_profile():
    s = replace(asking_for("mine"), facts=Facts(source=Answer.NO))
    assert told(written(s)) == ("False", "SourceMissing")


def test_a_source_that_the_owner_has_not_ends_it():
    status = written(situation(conversion(), facts=Facts(source=Answer.NO)))
    assert told(status, "Accepted") == ("False", "SourceMissing")
    assert told(status) == ("False", "SourceMissing")
    assert told(status, "Finished")[0] == "True"


def test_a_store_that_is_away_while_the_source_is_checked_is_told_and_waited_for():
    facts = Facts(storage_down="MongoDB did not answer (X)")
    s = situation(conversion(), facts=facts)
    status = written(s)
    assert told(status, "Accepted") == ("Unknown", "StorageUnavailable")
    accepted = status.condition("Accepted")
    assert accepted is not None
    assert "MongoDB did not answer (X)" in accepted.message
    assert decide(s)[-1] == BackOff("MongoDB did not answer (X)")


def test_what_finds_no_place_is_queued_and_told_once():
    s = trying(facts=Facts(place=Answer.NO))
    status = written(s)
    assert told(status) == ("Unknown", "Queued")
    again = replace(s, conversion=conversion_with(s.conversion, status))
    assert decide(again) == ()


def test_a_job_that_was_made_and_not_recorded_is_recorded_and_not_made_again():
    s = trying(jobs=(job(1),))
    status = written(s)
    assert [one.number for one in status.runs[0].tries] == [1]
    assert told(status) == ("Unknown", "Pending")
    assert not any(isinstance(action, CreateJob) for action in decide(s))


def test_a_job_that_the_api_server_refuses_is_told_and_waited_for():
    s = trying(facts=Facts(place=Answer.YES, refusal="exceeded quota: jobs"))
    succeeded = written(s).condition("Succeeded")
    assert succeeded is not None
    assert "exceeded quota: jobs" in succeeded.message
    assert decide(s)[-1] == BackOff("exceeded quota: jobs")


def test_a_stage_is_never_left_backwards_and_percent_never_falls():
    s = trying(one_try(), jobs=(job(),), pods=(pod(running(), running()),))
    far = progress("Converting", 60)
    status = written(replace(s, progress=far))
    assert told(status) == ("Unknown", "Converting")
    then = replace(s, conversion=conversion_with(s.conversion, status))
    assert decide(then) == (), "a restart, without any post, changes nothing"
    late = replace(then, progress=progress("Pending", 30))
    assert decide(late) == ()
    stored = written(replace(then, progress=progress("Storing", 100)))
    assert told(stored) == ("Unknown", "Storing")


def progress(reason: str, percent: int) -> ProgressPost:
    return msgspec.convert({"reason": reason, "progress": {"percent": percent}}, ProgressPost)


def test_success_is_told_whole():
    done = pod(ended(0, "Completed", SUCCESS_REPORT), ended(0), status={"phase": "Succeeded"})
    status = written(trying(one_try(), jobs=(job(),), pods=(done,)))
    assert told(status) == ("True", "Succeeded")
    assert told(status, "Finished") == ("True", "Succeeded")
    assert told(status, "Notified") == ("False", "Publishing")
    assert status.result == RESULT_FOUND
    assert status.progress is not None
    assert status.progress.percent == 100
    assert status.runs[0].tries[0].reason == "Succeeded"


def test_a_success_that_is_less_loud_than_wanted_says_so():
    report = {"result": RESULT | {"loudness": {"integrated": -20.1, "truePeak": -1}}}
    done = pod(ended(0, "Completed", json.dumps(report)), ended(0), status={"phase": "Succeeded"})
    output = {"format": "mp3", "bitrate": "192k", "loudness": {"target": -14}}
    wanted = conversion(status=accepted_status(one_try()) | {"output": output})
    status = written(situation(wanted, jobs=(job(),), pods=(done,)))
    assert told(status) == ("True", "Succeeded")
    condition = status.condition("Succeeded")
    assert condition
    assert condition.message.startswith("The loudness is -20.1 LUFS, not -14: ")
    assert condition.message.endswith("The audio is ready to be downloaded.")


@pytest.mark.parametrize("code", [10, 11, 12, 13, 14])
def test_what_cannot_succeed_is_not_tried_again(code: int):
    status = written(failing(code))
    value, reason = told(status)
    assert value == "False"
    assert Reason(reason) in PERMANENT
    succeeded = status.condition("Succeeded")
    assert succeeded is not None
    assert REMEDY[Reason(reason)] in succeeded.message


def test_a_transient_end_has_its_result_looked_up_before_anything_else():
    s = failing(137)
    assert decide(s) == (LookUpResult(),)
    found = written(replace(s, facts=Facts(result=RESULT_FOUND)))
    assert told(found) == ("True", "Succeeded")
    absent = written(replace(s, facts=Facts(result=Answer.NO)))
    assert told(absent) == ("Unknown", "Queued")
    assert absent.runs[0].tries[0].reason == "WorkerLost"
    assert absent.runs[0].tries[0].exit_code == 137


def test_while_the_store_is_away_no_try_is_given_up():
    s = replace(failing(137), facts=Facts(storage_down="MongoDB did not answer"))
    status = written(s)
    assert told(status)[0] == "Unknown"
    assert status.runs[0].tries[0].finished_at is None
    assert isinstance(decide(s)[-1], BackOff)


def test_the_next_try_waits_for_its_time_and_then_for_the_look_up():
    soon = trying(one_try(reason="WorkerLost", ended=1))
    kinds = [type(action) for action in decide(soon)]
    assert kinds == [WriteStatus, RequeueAfter]
    due = trying(one_try(reason="WorkerLost", ended=400))
    assert decide(due) == (LookUpResult(),)
    absent = replace(due, facts=Facts(result=Answer.NO))
    assert decide(absent) == (RequestPlace(),)
    found = replace(due, facts=Facts(result=RESULT_FOUND))
    assert told(written(found)) == ("True", "Succeeded")


def test_a_try_after_an_out_of_memory_gets_more_memory():
    facts = Facts(result=Answer.NO, place=Answer.YES)
    s = trying(one_try(reason="OutOfMemory", ended=400), facts=facts)
    assert decide(s) == (CreateJob(1, 2, 2),)


@pytest.mark.parametrize(
    ("code", "past", "last"),
    [
        (137, ["WorkerLost"] * 2, False),
        (137, ["WorkerLost"] * 3, True),
        (137, ["StorageUnavailable", "DiskFull", "StartFailed"], True),
    ],
)
def test_tries_are_used_up(*, code: int, past: list[str], last: bool):
    tries = [one_try(number, reason) for number, reason in enumerate(past, start=1)]
    number = len(tries) + 1
    s = trying(
        *tries,
        one_try(number),
        jobs=(job(number),),
        pods=(pod(ended(23), ended(code), number),),
        facts=Facts(result=Answer.NO),
    )
    assert told(written(s)) == (("False", "WorkerLost") if last else ("Unknown", "Queued"))


def test_running_out_of_memory_twice_is_final():
    s = trying(
        one_try(1, "OutOfMemory"),
        one_try(2),
        jobs=(job(2),),
        pods=(pod(ended(23), ended(137, "OOMKilled"), 2),),
        facts=Facts(result=Answer.NO),
    )
    assert told(written(s)) == ("False", "OutOfMemory")


def test_a_job_that_is_gone_is_confirmed_gone_then_the_result_is_looked_up():
    s = trying(one_try())
    assert isinstance(decide(s)[0], ConfirmJobGone)
    assert isinstance(decide(replace(s, facts=Facts(job_gone=Answer.NO)))[0], RequeueAfter)
    gone = replace(s, facts=Facts(job_gone=Answer.YES))
    assert decide(gone) == (LookUpResult(),)
    lost = written(replace(s, facts=Facts(job_gone=Answer.YES, result=Answer.NO)))
    assert lost.runs[0].tries[0].reason == "WorkerLost"


def test_a_job_without_a_pod_tells_the_job_controllers_warning():
    s = trying(one_try(), jobs=(job(age=20),))
    assert isinstance(decide(s)[0], LookUpWarning)
    told_of = written(replace(s, facts=Facts(warning="exceeded quota"))).condition("Succeeded")
    assert told_of is not None
    assert told_of.reason == "Pending"
    assert "exceeded quota" in told_of.message


def test_an_outcome_is_never_changed():
    for facts in (Facts(), Facts(result=RESULT_FOUND), Facts(published=True)):
        about = conversion(
            spec={"cancelled": True}, status=latched("False", "CorruptMedia", notified=False)
        )
        done = pod(ended(0, message=SUCCESS_REPORT), ended(0))
        for action in decide(situation(about, jobs=(job(),), pods=(done,), facts=facts)):
            if isinstance(action, WriteStatus):
                assert told(action.status) == ("False", "CorruptMedia")


def test_the_end_is_published_and_then_recorded():
    about = conversion(status=latched(notified=False))
    assert decide(situation(about)) == (Publish(),)
    status = written(situation(about, facts=Facts(published=True)))
    assert told(status, "Notified") == ("True", "Published")


def test_a_finished_object_still_observes_its_generation():
    about = conversion(metadata={"generation": 2}, status=latched())
    status = written(situation(about))
    assert status.observed_generation == 2
    assert {c.observed_generation for c in status.conditions} == {2}
    assert told(status) == ("True", "Succeeded")
    assert decide(situation(conversion(status=latched()))) == ()


def test_the_job_of_a_success_goes_at_once_and_of_a_failure_after_a_while():
    complete = job(status=job_ended("Complete"))
    assert any(
        isinstance(a, DeleteJob)
        for a in decide(situation(conversion(status=latched()), jobs=(complete,)))
    )
    failed = latched("False", "CorruptMedia")
    recent = job(status=job_ended("Failed", ago=100))
    assert decide(situation(conversion(status=failed), jobs=(recent,))) == (RequeueAfter(500.0),)
    old = job(status=job_ended("Failed", ago=600))
    assert isinstance(decide(situation(conversion(status=failed), jobs=(old,)))[0], DeleteJob)


def test_a_job_whose_other_container_lingers_is_deleted_when_the_try_is_over():
    s = trying(one_try(1, "WorkerLost", ended=1), jobs=(job(),), pods=(pod(running(), ended(137)),))
    assert any(isinstance(action, DeleteJob) for action in decide(s))


def test_a_job_stays_for_its_logs_though_its_end_is_told_before_the_phase_of_its_pod():
    over = one_try(1, "CorruptMedia", ended=1)
    s = trying(over, jobs=(job(),), pods=(pod(ended(72), ended(65)),))
    assert not any(isinstance(action, DeleteJob) for action in decide(s))


def leaving(ago: float = 1, **parts: object) -> Situation:
    return situation(conversion(metadata={"deletionTimestamp": before(ago)}), **parts)


def test_a_deleted_conversion_gives_back_job_pods_blobs_and_finalizer_in_this_order():
    assert isinstance(decide(leaving(jobs=(job(),), pods=(pod(None, None),)))[0], DeleteJob)
    going = job(metadata={"deletionTimestamp": before(1)})
    assert decide(leaving(jobs=(going,))) == (RequeueAfter(59.0),)
    assert decide(leaving(pods=(pod(None, None),))) == (RequeueAfter(59.0),)
    assert decide(leaving()) == (RemoveBlobs(),)
    assert decide(leaving(facts=Facts(blobs_removed=True))) == (RemoveFinalizer(),)


def test_pods_that_stay_do_not_hold_a_deleted_conversion_for_ever():
    assert decide(leaving(ago=60, pods=(pod(None, None),))) == (RemoveBlobs(),)


def test_a_store_that_stays_away_for_ten_minutes_does_not_hold_a_deleted_conversion():
    down = Facts(storage_down="MongoDB did not answer")
    assert decide(leaving(ago=599, facts=down)) == (BackOff("MongoDB did not answer"),)
    assert decide(leaving(ago=600, facts=down)) == (RemoveFinalizer(abandoned=True),)


def test_what_goes_without_our_finalizer_is_left_alone():
    about = conversion(metadata={"deletionTimestamp": before(1), "finalizers": ["another/one"]})
    assert FINALIZER not in about.metadata.finalizers
    assert decide(situation(about)) == ()


def test_a_hostile_converters_media_never_hold_the_status_up():
    tracks = [{"index": 0, "codec": "aac", "channels": 2**40}]
    doubled = [{"index": 0, "codec": "aac"}, {"index": 0, "codec": "mp3"}]
    for claimed in (tracks, doubled):
        words = json.dumps({"media": {"container": "x", "tracks": claimed}})
        s = trying(one_try(), jobs=(job(),), pods=(pod(ended(23), ended(11, message=words)),))
        assert written(s).media is None


def test_time_alone_does_not_change_a_status():
    s = failing(12)
    status = written(s)
    later = replace(
        s,
        now=NOW + timedelta(seconds=5),
        conversion=conversion_with(s.conversion, status),
        facts=Facts(published=False),
    )
    assert not any(isinstance(action, WriteStatus) for action in decide(later))
