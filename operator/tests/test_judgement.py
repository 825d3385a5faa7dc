"""Claims about how a try is judged."""

import json

import pytest
from tests.conversions import (
    NOW,
    RESULT,
    SUCCESS_REPORT,
    Body,
    before,
    ended,
    job,
    job_ended,
    pod,
    running,
    waiting,
)

from soundstrip_crds.reasons import Reason
from soundstrip_operator.judgement import judge
from soundstrip_operator.policy import Policy
from soundstrip_operator.verdict import Failure, Missing, Success, Underway, Unseen
from soundstrip_operator.workload import Job, Pod

POLICY = Policy()


def verdict(of_job: Job | None, of_pod: Pod | None):
    return judge(of_job, of_pod, NOW, POLICY)


def evicted(message: str) -> Body:
    return {"reason": "Evicted", "message": message}


@pytest.mark.parametrize(
    ("mover", "converter", "reason", "code"),
    [
        pytest.param(ended(23), ended(11), "NoAudioTrack", 11, id="the mover defers"),
        pytest.param(ended(20), ended(23), "StorageUnavailable", 20, id="the converter defers"),
        pytest.param(ended(20), ended(12), "CorruptMedia", 12, id="the converter goes first"),
        pytest.param(ended(13), ended(23), "SourceMissing", 13, id="the mover's code counts"),
        pytest.param(ended(22), ended(0), "DiskFull", 22, id="the converter was done"),
        pytest.param(ended(23), ended(137), "WorkerLost", 137, id="SIGKILL of the converter"),
        pytest.param(ended(137), ended(23), "WorkerLost", 137, id="SIGKILL of the mover"),
        pytest.param(ended(23), ended(23), "WorkerLost", 23, id="both defer"),
        pytest.param(ended(21), ended(21), "WorkerLost", 21, id="SIGTERM"),
        pytest.param(ended(1), ended(23), "WorkerLost", 1, id="a code that is not ours"),
        pytest.param(
            ended(23), ended(21, "OOMKilled"), "OutOfMemory", 21, id="a wrapper's code and an OOM"
        ),
        pytest.param(
            ended(137, "OOMKilled"), ended(12), "OutOfMemory", 137, id="OOM before any code"
        ),
        pytest.param(
            ended(128, "StartError", "no such file"), ended(23), "StartFailed", 128, id="no start"
        ),
    ],
)
def test_the_container_that_broke_first_tells_the_reason(
    mover: Body, converter: Body, reason: str, code: int
):
    failed = pod(mover, converter, status={"phase": "Failed"})
    judged = verdict(job(), failed)
    assert isinstance(judged, Failure)
    assert (judged.reason, judged.exit_code) == (reason, code)


def test_a_failed_container_whose_other_one_still_runs_is_waited_for_at_most_ten_seconds():
    assert verdict(job(), pod(running(), ended(12, ago=4))) == Underway(Reason.PENDING, recheck=6)
    judged = verdict(job(), pod(running(), ended(12, ago=10)))
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.CORRUPT_MEDIA


def test_a_converter_that_is_done_leaves_the_mover_all_the_time_it_needs():
    judged = verdict(job(), pod(running(), ended(0, ago=500)))
    assert judged == Underway(Reason.PENDING)


def test_the_movers_report_is_success_even_if_the_converter_lingers():
    judged = verdict(job(), pod(ended(0, "Completed", SUCCESS_REPORT), running()))
    assert isinstance(judged, Success)
    assert judged.result.file_id == RESULT["fileId"]


@pytest.mark.parametrize(
    "message", ["", "{", '{"result": {"fileId": "../etc"}}', "\x00\ufffd", '{"x":' * 800]
)
def test_a_mover_that_ended_well_with_an_unreadable_report_has_its_result_looked_up(message: str):
    judged = verdict(job(), pod(ended(0, "Completed", message), ended(0)))
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.WORKER_LOST


def test_the_converters_words_are_the_cause_and_its_media_are_kept():
    words = json.dumps({"message": "No audio.", "media": {"container": "matroska"}})
    judged = verdict(job(), pod(ended(23), ended(11, message=words)))
    assert isinstance(judged, Failure)
    assert judged.cause == "No audio."
    assert judged.media is not None
    assert judged.media.container == "matroska"


@pytest.mark.parametrize("message", ['{"x":' * 800, '{"message": 1e999}', "\ud800"])
def test_a_converter_whose_last_words_are_a_trap_has_failed_by_its_exit_code(message: str):
    judged = verdict(job(), pod(ended(23), ended(12, message=message)))
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.CORRUPT_MEDIA


def test_the_converters_words_do_not_steer_a_terminal():
    words = json.dumps({"message": "\x1b[2JAll\nis well\u202e."})
    judged = verdict(job(), pod(ended(23), ended(12, message=words)))
    assert isinstance(judged, Failure)
    assert judged.cause == "[2JAllis well."


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (waiting("ContainerCreating"), ""),
        (waiting("ImagePullBackOff", "no such image"), "ImagePullBackOff: no such image"),
        (waiting("CreateContainerConfigError", "secret not found"), "secret not found"),
    ],
)
def test_a_pod_that_waits_says_why_and_fails_the_start_in_the_end(state: Body, said: str):
    waits = pod(state, state, status={"phase": "Pending"})
    early, late = verdict(job(age=20), waits), verdict(job(age=300), waits)
    assert isinstance(early, Underway)
    assert said in early.cause
    assert early.recheck == 280
    assert isinstance(late, Failure)
    assert late.reason == Reason.START_FAILED
    assert said in late.cause


def test_an_unschedulable_pod_says_so():
    told = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: no memory"}
    waits = pod(None, None, status={"phase": "Pending", "conditions": [told]})
    judged = verdict(job(), waits)
    assert isinstance(judged, Underway)
    assert judged.cause == "0/1 nodes: no memory"


def test_a_job_that_has_no_pod_after_a_while_is_asked_why():
    assert isinstance(verdict(job(age=1), None), Underway)
    assert isinstance(verdict(job(age=20), None), Unseen)


def test_a_pod_that_outlives_its_deletion_by_thirty_seconds_is_lost_with_its_node():
    def deleted(ago: float) -> Pod:
        return pod(running(), running(), metadata={"deletionTimestamp": before(ago)})

    assert verdict(job(), deleted(10)) == Underway(Reason.PENDING, recheck=20)
    judged = verdict(job(), deleted(30))
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.WORKER_LOST
    assert "node-1" in judged.cause


def test_the_deadline_is_told_from_a_lost_worker():
    over = job(status=job_ended("FailureTarget", "DeadlineExceeded"))
    judged = verdict(over, pod(ended(21), ended(21)))
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.DEADLINE_EXCEEDED


def test_the_deadline_is_told_before_the_job_controller_tells_it():
    deleted = pod(ended(21), ended(21), metadata={"deletionTimestamp": before(0)})
    judged = verdict(job(age=3601), deleted)
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.DEADLINE_EXCEEDED


def test_a_result_that_was_stored_at_the_last_moment_beats_the_deadline():
    over = job(status=job_ended("Failed", "DeadlineExceeded"))
    assert isinstance(verdict(over, pod(ended(0, message=SUCCESS_REPORT), ended(0))), Success)


def test_an_exit_code_survives_the_pod_in_the_jobs_condition():
    said = "Container converter for pod ns/x failed with exit code 12 matching FailJob rule at 0"
    judged = verdict(job(status=job_ended("Failed", "PodFailurePolicy", said)), None)
    assert judged == Failure(Reason.CORRUPT_MEDIA, "", 12)


@pytest.mark.parametrize("kind", ["Complete", "Failed", "FailureTarget"])
def test_a_finished_job_without_a_pod_has_its_result_looked_up(kind: str):
    judged = verdict(job(status=job_ended(kind)), None)
    assert isinstance(judged, Failure)
    assert judged.reason == Reason.WORKER_LOST


def test_a_job_that_is_ahead_of_its_pod_is_given_time():
    failed = job_ended("Failed", "BackoffLimitExceeded", ago=2)
    assert isinstance(verdict(job(status=failed), pod(running(), running())), Underway)


def test_what_is_not_there_is_missing():
    assert verdict(None, None) == Missing()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (evicted('Usage of EmptyDir volume "output" exceeds the limit "2112Mi". '), "DiskFull"),
        (evicted("The node was low on resource: ephemeral-storage. "), "DiskFull"),
        (evicted("The node was low on resource: inodes. "), "DiskFull"),
        (evicted("The node was low on resource: memory. "), "WorkerLost"),
        ({"reason": "OutOfmemory", "message": "Node didn't have enough"}, "StartFailed"),
    ],
)
def test_a_pod_that_the_kubelet_throws_out_is_judged_by_the_kubelets_words(
    status: Body, reason: str
):
    judged = verdict(job(), pod(None, None, status={"phase": "Failed"} | status))
    assert isinstance(judged, Failure)
    assert judged.reason == reason


def test_an_evicted_pods_sigkill_is_not_taken_for_a_lost_worker():
    status = {"phase": "Failed"} | evicted('Usage of EmptyDir volume "output" exceeds the limit')
    judged = verdict(job(), pod(ended(23), ended(137), status=status))
    assert isinstance(judged, Failure)
    assert (judged.reason, judged.exit_code) == (Reason.DISK_FULL, 137)
