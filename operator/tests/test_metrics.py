"""Claims about what is counted and timed."""

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import generate_latest
from tests.conversions import FILE_ID, NOW, accepted_status, condition, conversion, one_try

from soundstrip_crds.conversion import Status
from soundstrip_crds.events import CloudEvent
from soundstrip_operator.metrics import Metrics, describe_request
from soundstrip_operator.publisher import PublishFailed
from soundstrip_operator.workqueue import Retry, Workqueue

QUEUE = {"name": "conversions"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(series, labels)


async def test_a_queue_tells_its_depth_its_retries_and_its_times(metrics: Metrics):
    queue = Workqueue(workers=1, base=0.001, meter=metrics.queue("conversions"))
    done, failures = asyncio.Event(), [Retry("no answer")]

    async def work(key: str) -> None:
        if key == "b" and failures:
            raise failures.pop()
        if key == "b":
            done.set()

    for key in ("a", "b", "b"):
        queue.add(key)
    assert value(metrics, "workqueue_depth", **QUEUE) == 2
    task = asyncio.create_task(queue.run(work))
    async with asyncio.timeout(60):
        await done.wait()
    task.cancel()
    await asyncio.wait([task])
    assert value(metrics, "workqueue_depth", **QUEUE) == 0
    assert value(metrics, "workqueue_adds_total", **QUEUE) == 3
    assert value(metrics, "workqueue_retries_total", **QUEUE) == 1
    assert value(metrics, "workqueue_queue_duration_seconds_count", **QUEUE) == 3
    assert value(metrics, "workqueue_work_duration_seconds_count", **QUEUE) == 3


async def test_a_failed_reconciliation_is_the_worlds_fault_or_a_bug(metrics: Metrics):
    async def reconcile(key: str) -> None:
        match key:
            case "world":
                raise Retry("no answer")
            case "bug":
                raise ZeroDivisionError

    work = metrics.time_reconciling(reconcile)
    await work("fine")
    with pytest.raises(Retry):
        await work("world")
    with pytest.raises(ZeroDivisionError):
        await work("bug")
    assert value(metrics, "soundstrip_reconcile_duration_seconds_count") == 3
    assert value(metrics, "soundstrip_reconcile_errors_total", cause="world") == 1
    assert value(metrics, "soundstrip_reconcile_errors_total", cause="bug") == 1


async def test_an_event_that_is_not_confirmed_is_counted(metrics: Metrics):
    async def publish(_event: CloudEvent) -> None:
        raise PublishFailed("RabbitMQ did not take it")

    assert value(metrics, "soundstrip_publish_failures_total") == 0
    with pytest.raises(PublishFailed):
        await metrics.count_failures(publish)(None)  # type: ignore[arg-type]
    assert value(metrics, "soundstrip_publish_failures_total") == 1


def status(*tries: dict[str, object], outcome: str | None = None) -> Status:
    told = accepted_status(*tries)
    if outcome:
        told["conditions"][1] = condition("Succeeded", "False", outcome)
    return conversion(status=told).status


def test_the_first_job_ends_the_wait_and_no_other_does(metrics: Metrics):
    waiting = conversion(status=accepted_status())
    begun = status(one_try(ended=10))  # created 60 s ago, begun 30 s ago
    metrics.see_step(waiting, waiting.status)
    assert value(metrics, "soundstrip_queue_wait_seconds_count") == 0
    metrics.see_step(waiting, begun)
    metrics.see_step(conversion(status=accepted_status(one_try(ended=10))), begun)
    assert value(metrics, "soundstrip_queue_wait_seconds_count") == 1
    assert value(metrics, "soundstrip_queue_wait_seconds_sum") == 30


def test_an_outcome_is_counted_when_it_comes_and_not_when_it_is_written_again(metrics: Metrics):
    failed = status(one_try(reason="DiskFull"), outcome="DiskFull")
    metrics.see_step(conversion(status=accepted_status()), failed)
    later = accepted_status(one_try(reason="DiskFull"))
    later["conditions"][1] = condition("Succeeded", "False", "DiskFull")
    metrics.see_step(conversion(status=later), failed)
    assert value(metrics, "soundstrip_conversions_finished_total", reason="DiskFull") == 1
    assert value(metrics, "soundstrip_conversions_finished_total", reason="Succeeded") == 0
    assert value(metrics, "soundstrip_conversion_duration_seconds_sum") == 30


def test_clocks_that_disagree_make_no_negative_time(metrics: Metrics):
    future = {"creationTimestamp": (NOW + timedelta(hours=1)).isoformat()}
    metrics.see_step(conversion(metadata=future), status(one_try(), outcome="DiskFull"))
    assert value(metrics, "soundstrip_queue_wait_seconds_sum") == 0
    assert value(metrics, "soundstrip_conversion_duration_seconds_sum") == 0


NS = "/apis/soundstrip.dev/v1alpha1/namespaces/here"


@pytest.mark.parametrize(
    ("method", "path", "described"),
    [
        ("GET", f"{NS}/videoconversions?limit=500&continue=a/b", ("list", "videoconversions")),
        ("PUT", f"{NS}/videoconversions/vc-1/status", ("update", "videoconversions/status")),
        ("PATCH", f"{NS}/videoconversions/vc-1", ("patch", "videoconversions")),
        ("POST", "/apis/batch/v1/namespaces/here/jobs", ("create", "jobs")),
        ("GET", "/apis/batch/v1/namespaces/here/jobs/j-1", ("get", "jobs")),
        ("DELETE", "/apis/batch/v1/namespaces/here/jobs/j-1", ("delete", "jobs")),
        ("GET", "/api/v1/namespaces/here", ("get", "namespaces")),
    ],
)
def test_a_request_is_described_by_verb_and_resource(
    method: str, path: str, described: tuple[str, str]
):
    assert describe_request(method, path) == described


def test_no_series_is_of_one_conversion_or_owner(metrics: Metrics):
    metrics.see_request("GET", f"{NS}/videoconversions/vc-{FILE_ID}", 200)
    metrics.see_request("GET", f"{NS}/videoconversions/vc-{FILE_ID}", None)
    metrics.see_step(conversion(), status(one_try(), outcome="DiskFull"))
    text = generate_latest(metrics.registry).decode()
    assert 'code="none",resource="videoconversions",verb="get"} 1.0' in text
    assert FILE_ID not in text
    assert "u1" not in text
