"""A store is away for a while: what can go on goes on, the rest waits, and nothing is repeated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.containers import Server, paused
from tests.faulty_api import FaultyApi
from tests.kubelet import Kubelet
from tests.kubernetes import Namespace
from tests.operator_process import OperatorProcess
from tests.operators import (
    FILES,
    assert_ended_once,
    conversion,
    notified,
    put_off,
    reasons,
    take_messages,
)
from tests.waiting import wait_until

from soundstrip_crds.names import FINALIZER

_ATTEMPTS = 20
"""So many that the wait between two has long stopped growing."""


def test_without_rabbitmq_conversions_end_and_each_is_announced_once_when_it_is_back(
    kube: Namespace,
    failing: OperatorProcess,
    api: FaultyApi,
    kubelet: Kubelet,
    upload: Callable[..., str],
    rabbitmq_server: Server,
    amqp_url: str,
) -> None:
    with stopped(rabbitmq_server):
        failing.start(RABBITMQ_URI=amqp_url, BACKOFF_CAP_SECONDS="0.2")
        names = [kube.create(conversion(upload()))["metadata"]["name"] for _ in range(2)]
        kubelet.succeed(*names)
        wait_until(lambda: set(reasons(kube).values()) == {"Succeeded"}, "both have ended")
        wait_until(lambda: min(failures(failing, *names)) >= _ATTEMPTS, "both are tried again")
        assert not notified(kube)

    wait_until(lambda: notified(kube) == set(names), "both are announced")
    messages = take_messages(amqp_url)
    assert len(messages) == len({message["id"] for message in messages}) == len(names)
    assert_ended_once(api, *names)


def test_one_deleted_and_one_expired_wait_for_mongodb_and_the_first_leaves_no_chunk_behind(
    kube: Namespace,
    failing: OperatorProcess,
    kubelet: Kubelet,
    upload: Callable[..., str],
    database: Any,
    mongo_server: Server,
    amqp_url: str,
) -> None:
    failing.start(RABBITMQ_URI=amqp_url)
    bodies = [kube.create(conversion(upload())) for _ in range(2)]
    deleted, expired = (body["metadata"]["name"] for body in bodies)
    kubelet.succeed(deleted, expired)
    wait_until(lambda: notified(kube) == {deleted, expired}, "both are at their ends")

    with paused(mongo_server):
        kube.kubectl("delete", f"vc/{deleted}", "--wait=false")
        kube.patch("videoconversion", expired, {"spec": {"ttlSecondsAfterFinished": 0}})
        for name in (deleted, expired):
            wait_until(lambda: put_off(failing, name, "MongoDB"), "it is tried again")  # noqa: B023
        assert set(reasons(kube)) == {deleted, expired}

    wait_until(lambda: not reasons(kube), "both are gone")
    assert [entry["name"] for entry in database["archive"].find({})] == [expired]
    for collection in FILES:
        assert database[collection].count_documents({}) == 1, f"the other's: {collection}"


def test_a_mongodb_that_stays_away_does_not_hold_a_deleted_conversion_for_ever(
    kube: Namespace,
    failing: OperatorProcess,
    upload: Callable[..., str],
    database: Any,
    mongo_server: Server,
) -> None:
    body = conversion(upload())
    body["metadata"]["finalizers"] = [FINALIZER]
    name = kube.create(body)["metadata"]["name"]
    kube.kubectl("delete", f"vc/{name}", "--wait=false")

    with paused(mongo_server):
        failing.start(STORAGE_PATIENCE_SECONDS="1")
        wait_until(lambda: not kube.get("videoconversion", name), "it is gone")

    assert "goes without its blobs" in failing.log()
    assert database["sources.files"].count_documents({}) == 1, "it is left to the sweep"


def failures(failing: OperatorProcess, *names: str) -> list[int]:
    """How often the event of each of these did not go out."""
    return [len(put_off(failing, name, "RabbitMQ")) for name in names]


@contextmanager
def stopped(rabbitmq: Server) -> Iterator[None]:
    """Have the broker away: its node stands, and nobody listens."""
    rabbitmq.run("rabbitmqctl", "stop_app")
    try:
        yield
    finally:
        rabbitmq.run("rabbitmqctl", "start_app")
