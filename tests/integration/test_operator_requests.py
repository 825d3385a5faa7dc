"""What a person may ask of a conversion after its creation, and what Kueue may: real servers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import Body, condition, conversion, reason
from tests.waiting import wait_until

Upload = Callable[..., str]


def change(kube: Namespace, name: str, **spec: Any) -> None:
    kube.patch("videoconversion", name, {"spec": spec})


def wait_for_reason(kube: Namespace, name: str, wanted: str) -> None:
    wait_until(lambda: reason(kube, name) == wanted, f"{name} is {wanted}")


def status_of(kube: Namespace, name: str) -> Body:
    found: Body = (kube.get("videoconversion", name) or {}).get("status", {})
    return found


def position(kube: Namespace, name: str) -> int | None:
    place: int | None = status_of(kube, name).get("queue", {}).get("position")
    return place


def working_for(kube: Namespace) -> set[str]:
    jobs = kube.list("jobs")
    return {
        job["metadata"]["labels"]["soundstrip.dev/conversion"]
        for job in jobs
        if "deletionTimestamp" not in job["metadata"]
    }


@contextmanager
def held(kube: Namespace, pod: Body) -> Iterator[str]:
    """Keep what is left of a pod for a while, and give its name."""
    name, finalizers = pod["metadata"]["name"], pod["metadata"].get("finalizers", [])
    kube.patch("pod", name, {"metadata": {"finalizers": [*finalizers, "soundstrip.dev/test"]}})
    try:
        yield name
    finally:
        kube.patch("pod", name, {"metadata": {"finalizers": None}})


def phase_of(kube: Namespace, pod: str) -> str | None:
    phase: str | None = (kube.get("pod", pod) or {}).get("status", {}).get("phase")
    return phase


def test_priority_decides_who_is_next_and_suspending_gives_the_place_away(
    kube: Namespace, operator: OperatorProcess, upload: Upload
) -> None:
    operator.start(MAX_ACTIVE_JOBS="1")
    first = kube.create(conversion(upload()))["metadata"]["name"]
    wait_for_reason(kube, first, "Pending")
    second = kube.create(conversion(upload()))["metadata"]["name"]
    urgent = kube.create(conversion(upload(), priority=5))["metadata"]["name"]
    wait_until(lambda: position(kube, urgent) == 1, "the urgent one is next")
    wait_until(lambda: position(kube, second) == 2, "the other is behind it")

    change(kube, first, suspend=True)
    wait_for_reason(kube, first, "Suspended")
    wait_for_reason(kube, urgent, "Pending")
    assert working_for(kube) == {urgent}
    assert position(kube, urgent) is None

    change(kube, second, suspend=True)
    change(kube, first, suspend=False)
    wait_for_reason(kube, second, "Suspended")
    change(kube, urgent, cancelled=True)
    wait_for_reason(kube, first, "Pending")
    [run] = status_of(kube, first)["runs"]
    assert [one.get("reason") for one in run["tries"]] == ["Suspended", None]
    assert working_for(kube) == {first}


def test_what_was_cancelled_or_failed_runs_again_when_a_person_wants_it(
    kube: Namespace, operator: OperatorProcess, upload: Upload, amqp_url: str
) -> None:
    operator.start(RABBITMQ_URI=amqp_url, START_TIMEOUT_SECONDS="3", MAX_TRIES="1")
    name = kube.create(conversion(upload(), cancelled=True))["metadata"]["name"]
    kube.kubectl("wait", "--for=condition=Finished", f"vc/{name}", "--timeout=120s")

    change(kube, name, run=2, cancelled=False)
    wait_until(lambda: len(status_of(kube, name)["runs"]) == 2, "the second run")
    kube.kubectl("wait", "--for=condition=Notified", f"vc/{name}", "--timeout=120s")
    change(kube, name, run=3)
    wait_until(lambda: len(status_of(kube, name)["runs"]) == 3, "the third run")
    wait_for_reason(kube, name, "StartFailed")

    runs = status_of(kube, name)["runs"]
    assert [run["reason"] for run in runs] == ["Cancelled", "StartFailed", "StartFailed"]
    jobs = [one["job"] for run in runs for one in run.get("tries", [])]
    assert [job.rsplit("-", 2)[1:] for job in jobs] == [["2", "1"], ["3", "1"]]


def test_kueue_admits_takes_back_and_admits_again(
    kube: Namespace, operator: OperatorProcess, upload: Upload
) -> None:
    """The test plays Kueue: all that Kueue does to a Job is to set `suspend`.

    What is left of the first pod is held, so that the Job controller can't but see it fail.
    """
    operator.start(MAX_ACTIVE_JOBS="1", RESYNC_SECONDS="3600")
    name = kube.create(conversion(upload(), queueName="videos"))["metadata"]["name"]
    wait_until(lambda: working_for(kube) == {name}, "its Job is there")
    [job] = kube.list("jobs")

    def set_suspend(*, suspend: bool) -> None:
        kube.patch("job", job["metadata"]["name"], {"spec": {"suspend": suspend}})

    def pods() -> list[Body]:
        return [pod for pod in kube.list("pods") if "deletionTimestamp" not in pod["metadata"]]

    assert job["spec"]["suspend"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "videos"
    wait_for_reason(kube, name, "Queued")
    wait_until(
        lambda: "Kueue" in condition(kube, name, "Succeeded")["message"],
        "it says why",
    )
    assert not pods()

    set_suspend(suspend=False)
    wait_until(pods, "the pod is there")
    wait_for_reason(kube, name, "Pending")
    with held(kube, pods()[0]) as first:
        set_suspend(suspend=True)
        wait_for_reason(kube, name, "Queued")
        wait_until(lambda: phase_of(kube, first) == "Failed", "the pod has been ended")
        set_suspend(suspend=False)
        wait_for_reason(kube, name, "Pending")
        wait_until(pods, "another pod is there")
    [run] = status_of(kube, name)["runs"]
    assert [one["number"] for one in run["tries"]] == [1], "it is still the same try"
