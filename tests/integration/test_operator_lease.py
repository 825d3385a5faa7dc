"""Two operators for one namespace, as processes: one acts, whatever happens to it."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.kubernetes import Namespace
from tests.operator_process import PROGRESS_KEY, OperatorProcess
from tests.operators import conversion, reason, take_message
from tests.waiting import wait_until

from soundstrip_crds.job import progress_path, progress_token

Upload = Callable[..., str]

_FOR_EVER = {"LEASE_DURATION_SECONDS": "600"}
_SHORT = {"LEASE_DURATION_SECONDS": "6"}
_QUICK = {"START_TIMEOUT_SECONDS": "4", "MAX_TRIES": "1", "MAX_ACTIVE_JOBS": "1"}


@pytest.fixture
def two(
    kube: Namespace, tmp_path: Path, stores: dict[str, str]
) -> Iterator[tuple[OperatorProcess, OperatorProcess]]:
    folders = tmp_path / "a", tmp_path / "b"
    for folder in folders:
        folder.mkdir()
    a, b = (OperatorProcess(kube, folder, stores) for folder in folders)
    yield a, b
    for operator in (a, b):
        operator.kill()
        print(operator.log())


def holder(kube: Namespace) -> str:
    lease = kube.get("lease", "soundstrip-operator") or {}
    found: str = lease.get("spec", {}).get("holderIdentity", "")
    return found


def wait_for_another_holder(kube: Namespace, before: str) -> None:
    wait_until(lambda: holder(kube) not in {"", before}, "the other holds the Lease")


def wait_for_end(kube: Namespace, name: str) -> None:
    kube.kubectl("wait", "--for=condition=Notified", f"vc/{name}", "--timeout=120s")
    assert reason(kube, name) == "StartFailed"
    status = (kube.get("videoconversion", name) or {})["status"]
    assert len(status["runs"][0]["tries"]) == 1


def jobs_that_were(kube: Namespace) -> set[str]:
    """The uids of all Jobs for which a pod was made, be they gone or not."""
    about = [event["involvedObject"] for event in kube.list("events")]
    return {one["uid"] for one in about if one["kind"] == "Job"}


def told(amqp_url: str) -> list[str]:
    ids = []
    while event := take_message(amqp_url):
        ids.append(event["id"])
    return ids


def versions(kube: Namespace, names: list[str]) -> set[str]:
    bodies: list[dict[str, Any]] = [kube.get("videoconversion", name) or {} for name in names]
    return {body["metadata"]["resourceVersion"] for body in bodies}


def test_one_acts_the_other_stands_by_and_takes_over_at_once_from_one_that_ends(
    kube: Namespace, two: tuple[OperatorProcess, OperatorProcess], upload: Upload
) -> None:
    a, b = two
    a.start(**_FOR_EVER)
    first = holder(kube)
    b.start(**_FOR_EVER)
    body = kube.create(conversion(upload()))
    name, uid = body["metadata"]["name"], body["metadata"]["uid"]
    wait_until(lambda: reason(kube, name) == "Pending", "a try is under way")
    url = f"http://127.0.0.1:{b.port}{progress_path(uid, 1, 1)}"
    token = {"Authorization": f"Bearer {progress_token(PROGRESS_KEY.encode(), uid, 1, 1)}"}

    assert a.health() == {"status": "ok"}
    assert f"{first} acts" in b.health()["message"]
    answer = requests.post(url, json={"reason": "Converting"}, headers=token, timeout=30)
    assert answer.status_code == 503

    assert a.terminate() == 0
    wait_for_another_holder(kube, first)
    wait_until(lambda: b.health() == {"status": "ok"}, "the other knows that it does")
    kube.patch("videoconversion", name, {"spec": {"cancelled": True}})
    wait_until(lambda: reason(kube, name) == "Cancelled", "the other acts")


def test_a_killed_operators_work_is_taken_over_and_nothing_is_doubled(
    kube: Namespace,
    two: tuple[OperatorProcess, OperatorProcess],
    upload: Upload,
    amqp_url: str,
) -> None:
    a, b = two
    a.start(**_SHORT, **_QUICK)  # RabbitMQ is away for this one.
    first = holder(kube)
    names = [kube.create(conversion(upload()))["metadata"]["name"] for _ in range(2)]
    wait_until(lambda: kube.list("jobs"), "one runs")
    b.start(**_SHORT, **_QUICK, RABBITMQ_URI=amqp_url)

    a.kill()
    wait_for_another_holder(kube, first)

    for name in names:
        wait_for_end(kube, name)
    assert len(jobs_that_were(kube)) == len(set(told(amqp_url))) == 2


def test_a_frozen_operator_that_wakes_when_another_acts_does_nothing_more_and_ends(
    kube: Namespace,
    two: tuple[OperatorProcess, OperatorProcess],
    upload: Upload,
    amqp_url: str,
) -> None:
    a, b = two
    limits = {**_SHORT, **_QUICK, "FAILED_JOB_RETENTION_SECONDS": "0", "RABBITMQ_URI": amqp_url}
    a.start(**limits)
    first = holder(kube)
    b.start(**limits)
    names = [kube.create(conversion(upload()))["metadata"]["name"] for _ in range(2)]
    wait_until(lambda: kube.list("jobs"), "one runs, one is queued")

    a.send(signal.SIGSTOP)
    wait_for_another_holder(kube, first)
    for name in names:
        wait_for_end(kube, name)
    wait_until(lambda: not kube.list("jobs"), "their Jobs are gone")
    settled, events = versions(kube, names), told(amqp_url)
    last = kube.create(conversion(upload()))["metadata"]["name"]
    a.send(signal.SIGCONT)

    assert a.wait() == 1
    assert versions(kube, names) == settled
    wait_for_end(kube, last)
    assert versions(kube, names) == settled
    events += told(amqp_url)
    assert len(jobs_that_were(kube)) == len(events) == len(set(events)) == 3
