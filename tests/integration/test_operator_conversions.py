"""The operator against a real API server, mongod and RabbitMQ, without the worker image."""

from collections.abc import Callable
from typing import Any

import requests
from bson import ObjectId
from tests.kubernetes import Namespace
from tests.operator_process import PROGRESS_KEY, OperatorProcess
from tests.operators import FILES, Body, condition, conversion, reason, take_message
from tests.waiting import wait_until

from soundstrip_crds.job import progress_path, progress_token
from soundstrip_crds.names import FINALIZER, OWNER_LABEL


def test_an_accepted_conversion_gets_one_job_that_restricted_namespaces_admit(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], database: Any
) -> None:
    operator.start()
    file_id = upload()
    created = kube.create(conversion(file_id))
    name = created["metadata"]["name"]

    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")
    wait_until(lambda: kube.list("pods"), "the Job has a pod")

    body = kube.get("videoconversion", name) or {}
    assert FINALIZER in body["metadata"]["finalizers"]
    assert body["metadata"]["labels"][OWNER_LABEL] == "u1"
    assert condition(kube, name, "Accepted")["status"] == "True"
    assert [job["metadata"]["name"] for job in kube.list("jobs")] == [
        body["status"]["runs"][0]["tries"][0]["job"]
    ]
    source = database["sources.files"].find_one({"_id": ObjectId(file_id)})
    assert source["metadata"]["refs"] == [body["metadata"]["uid"]]
    pending = {"state": "active", "reason": "Pending"}
    wait_until(lambda: operator.metric("soundstrip_conversions", **pending) == 1, "it is counted")
    assert operator.metric("soundstrip_active_jobs") == 1


def test_a_source_of_another_owner_is_not_accepted(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], amqp_url: str
) -> None:
    operator.start(RABBITMQ_URI=amqp_url)
    name = kube.create(conversion(upload(owner="somebody-else")))["metadata"]["name"]

    kube.kubectl("wait", "--for=condition=Finished", f"vc/{name}", "--timeout=120s")

    assert condition(kube, name, "Accepted")["status"] == "False"
    assert reason(kube, name) == "SourceMissing"
    assert not kube.list("jobs")
    kube.kubectl("wait", "--for=condition=Notified", f"vc/{name}", "--timeout=120s")
    event = take_message(amqp_url) or {}
    assert event["type"] == "dev.soundstrip.conversion.failed"
    assert "email" not in event["data"], "another owner's address stays where it is"


def test_deleting_what_was_never_accepted_leaves_the_file_alone(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], database: Any
) -> None:
    """Who names another's file by its id neither gets it nor gets rid of it."""
    operator.start()
    file_id = upload(owner="somebody-else")
    name = kube.create(conversion(file_id))["metadata"]["name"]
    kube.kubectl("wait", "--for=condition=Finished", f"vc/{name}", "--timeout=120s")
    assert reason(kube, name) == "SourceMissing"

    kube.kubectl("delete", "vc", name, "--timeout=120s")

    source = database["sources.files"].find_one({"_id": ObjectId(file_id)})
    assert source["metadata"]["refs"] == []
    assert database["sources.chunks"].count_documents({"files_id": ObjectId(file_id)}) == 1


def start_one_and_queue_one(kube: Namespace, upload: Callable[..., str]) -> tuple[str, str]:
    first: str = kube.create(conversion(upload()))["metadata"]["name"]
    wait_until(lambda: reason(kube, first) == "Pending", "the first has the place")
    second: str = kube.create(conversion(upload()))["metadata"]["name"]
    wait_until(lambda: reason(kube, second) == "Queued", "the second waits")
    return first, second


def test_a_queued_conversion_is_cancelled_at_once(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str]
) -> None:
    operator.start(MAX_ACTIVE_JOBS="1")
    _, second = start_one_and_queue_one(kube, upload)

    kube.patch("videoconversion", second, {"spec": {"cancelled": True}})
    kube.kubectl("wait", "--for=condition=Finished", f"vc/{second}", "--timeout=120s")

    assert reason(kube, second) == "Cancelled"
    assert len(kube.list("jobs")) == 1
    wait_until(lambda: "RabbitMQ did not take it" in operator.log(), "that is told")
    loggers = {str(line["logger"]).partition(".")[0] for line in operator.lines()}
    assert "pika" not in loggers, "one line of ours for each failure says it"


def test_cancelling_a_running_conversion_removes_its_job_and_lets_the_next_start(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str]
) -> None:
    operator.start(MAX_ACTIVE_JOBS="1")
    first, second = start_one_and_queue_one(kube, upload)

    kube.patch("videoconversion", first, {"spec": {"cancelled": True}})

    wait_until(lambda: reason(kube, first) == "Cancelled", "it is cancelled")
    wait_until(lambda: reason(kube, second) == "Pending", "the next has the place")

    def working_for() -> list[str]:
        return [job["metadata"]["labels"]["soundstrip.dev/conversion"] for job in kube.list("jobs")]

    wait_until(lambda: working_for() == [second], "the first one's Job is gone")


def test_a_deleted_conversion_leaves_no_chunk_behind(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], database: Any
) -> None:
    operator.start()
    file_id = upload()
    body = kube.create(conversion(file_id))
    name = body["metadata"]["name"]
    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")
    result = ObjectId()
    metadata = {"conversionUid": body["metadata"]["uid"], "run": 1}
    database["results.chunks"].insert_one({"files_id": result, "n": 0, "data": b"x"})
    database["results.files"].insert_one({"_id": result, "metadata": metadata})
    database["archive"].insert_one({"_id": body["metadata"]["uid"]})

    kube.kubectl("delete", f"vc/{name}", "--timeout=120s")

    assert not kube.list("jobs")
    assert not kube.list("pods")
    for collection in (*FILES, "archive"):
        assert database[collection].count_documents({}) == 0, collection


def test_a_source_that_another_conversion_uses_stays(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], database: Any
) -> None:
    operator.start()
    file_id = upload()
    database["sources.files"].update_one({}, {"$push": {"metadata.refs": "another"}})
    name = kube.create(conversion(file_id))["metadata"]["name"]
    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")

    kube.kubectl("delete", f"vc/{name}", "--timeout=120s")

    assert database["sources.files"].find_one({})["metadata"]["refs"] == ["another"]
    assert database["sources.chunks"].count_documents({}) == 1


def test_an_image_that_cannot_be_pulled_is_told_and_then_fails_the_start(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], amqp_url: str
) -> None:
    """It starts again with less patience: none would fit the time that a kubelet takes here."""
    operator.start(RABBITMQ_URI=amqp_url, MAX_TRIES="2")
    tell = operator.metric
    name = kube.create(conversion(upload()))["metadata"]["name"]

    def told() -> bool:
        return "registry.invalid" in condition(kube, name, "Succeeded").get("message", "")

    def reasons() -> set[str]:
        about = [one for one in kube.list("events") if one["involvedObject"]["name"] == name]
        return {one["reason"] for one in about}

    wait_until(told, "the condition tells the pod's own message")
    wait_until(lambda: reasons() == {"Accepted", "TryStarted"}, "its beginning is told")
    assert tell("soundstrip_queue_wait_seconds_count") == 1
    assert tell("soundstrip_api_requests_total", verb="create", resource="jobs", code="201") == 1
    operator.kill()
    operator.start(RABBITMQ_URI=amqp_url, MAX_TRIES="2", START_TIMEOUT_SECONDS="2")
    kube.kubectl("wait", "--for=condition=Notified", f"vc/{name}", "--timeout=120s")

    assert reason(kube, name) == "StartFailed"
    tries = (kube.get("videoconversion", name) or {})["status"]["runs"][0]["tries"]
    assert [one["reason"] for one in tries] == ["StartFailed", "StartFailed"]
    event = take_message(amqp_url) or {}
    assert event["data"]["reason"] == "StartFailed"
    assert event["data"]["email"] == "ann@example.com"
    assert take_message(amqp_url) is None
    assert reasons() == {"Accepted", "TryStarted", "Retrying", "StartFailed"}
    told_of = [line for line in operator.lines() if line.get("conversion") == name]
    job_of = {line["event"]: (line["run"], line.get("job")) for line in told_of}
    assert job_of["StartFailed"] == job_of["announced"] == (1, tries[1]["job"])
    assert tell("soundstrip_conversions", state="failed", reason="StartFailed") == 1
    assert tell("soundstrip_conversions_finished_total", reason="StartFailed") == 1
    assert tell("soundstrip_conversion_duration_seconds_count") == 1
    assert tell("soundstrip_api_requests_total", verb="create", resource="jobs", code="201") == 1
    assert tell("soundstrip_publish_failures_total") == 0
    assert tell("soundstrip_reconcile_errors_total", cause="bug") == 0


def test_a_pod_that_fits_no_node_is_told_and_then_fails_the_start(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str]
) -> None:
    cpu = {"CONVERTER_CPU_REQUEST": "999", "CONVERTER_CPU_LIMIT": "999"}
    operator.start(**cpu, MAX_TRIES="1")
    name = kube.create(conversion(upload()))["metadata"]["name"]

    def told() -> bool:
        return "Insufficient cpu" in condition(kube, name, "Succeeded").get("message", "")

    wait_until(told, "the condition tells the scheduler's message")
    operator.kill()
    operator.start(**cpu, MAX_TRIES="1", START_TIMEOUT_SECONDS="2")
    kube.kubectl("wait", "--for=condition=Finished", f"vc/{name}", "--timeout=120s")
    assert reason(kube, name) == "StartFailed"
    assert told()


def test_a_quota_that_forbids_the_pod_is_told(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str]
) -> None:
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    kube.create(quota | {"spec": {"hard": {"pods": "0"}}})
    operator.start()
    name = kube.create(conversion(upload()))["metadata"]["name"]

    def told() -> bool:
        return "exceeded quota" in condition(kube, name, "Succeeded").get("message", "")

    wait_until(told, "the condition tells of the quota")
    assert reason(kube, name) == "Pending"


def test_killing_the_operator_at_any_time_loses_and_repeats_nothing(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str], amqp_url: str
) -> None:
    limits = {"START_TIMEOUT_SECONDS": "4", "MAX_TRIES": "1", "MAX_ACTIVE_JOBS": "2"}
    operator.start(**limits)  # RabbitMQ is away at first.
    names = [kube.create(conversion(upload()))["metadata"]["name"] for _ in range(5)]
    wait_until(lambda: len(kube.list("jobs")) >= 2, "two run")

    def ended() -> int:
        return sum(condition(kube, n, "Notified").get("status") == "True" for n in names)

    operator.kill()
    limits["RABBITMQ_URI"] = amqp_url
    operator.start(**limits)
    wait_until(lambda: ended() >= 1, "one has ended")
    operator.kill()
    operator.start(**limits)
    wait_until(lambda: ended() == len(names), "all have ended")

    for name in names:
        assert reason(kube, name) == "StartFailed"
        status = (kube.get("videoconversion", name) or {})["status"]
        assert len(status["runs"][0]["tries"]) == 1
    ids = []
    while event := take_message(amqp_url):
        ids.append(event["id"])
    assert len(set(ids)) == len(names)


def test_the_operator_ends_quickly_when_it_is_asked_to(
    kube: Namespace, operator: OperatorProcess
) -> None:
    operator.start()
    assert operator.terminate() == 0


def test_progress_reaches_the_status_with_the_right_token_only(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str]
) -> None:
    operator.start()
    body = kube.create(conversion(upload()))
    name, uid = body["metadata"]["name"], body["metadata"]["uid"]
    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")
    url = f"http://127.0.0.1:{operator.port}{progress_path(uid, 1, 1)}"
    post = {"reason": "Converting", "progress": {"percent": 40}}
    token = progress_token(PROGRESS_KEY.encode(), uid, 1, 1)

    wrong = requests.post(url, json=post, headers={"Authorization": "Bearer no"}, timeout=30)
    right = requests.post(url, json=post, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    assert (wrong.status_code, right.status_code) == (401, 204)
    wait_until(lambda: reason(kube, name) == "Converting", "the stage is told")
    assert (kube.get("videoconversion", name) or {})["status"]["progress"]["percent"] == 40
    table = kube.kubectl("get", "videoconversions")
    assert "Converting" in table
    assert "40" in table


def test_a_try_past_its_deadline_and_a_job_that_a_person_deletes_are_told_apart(
    kube: Namespace, operator: OperatorProcess, upload: Callable[..., str]
) -> None:
    operator.start(MAX_TRIES="2", RETRY_BASE_SECONDS="1")
    slow = conversion(upload())
    slow["spec"]["activeDeadlineSeconds"] = 2
    slow_name = kube.create(slow)["metadata"]["name"]
    name = kube.create(conversion(upload()))["metadata"]["name"]
    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")

    def tries(of: str) -> list[Body]:
        status: Body = (kube.get("videoconversion", of) or {}).get("status", {})
        return [one for run in status.get("runs", []) for one in run["tries"]]

    kube.kubectl("delete", "job", tries(name)[0]["job"], "--wait=false")
    wait_until(lambda: len(tries(name)) == 2, "another try has begun")
    assert tries(name)[0]["reason"] == "WorkerLost"
    kube.kubectl("wait", "--for=condition=Finished", f"vc/{slow_name}", "--timeout=120s")
    assert [one["reason"] for one in tries(slow_name)] == ["DeadlineExceeded"] * 2
