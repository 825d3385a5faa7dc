"""A store is away for a while: what can go on goes on, the rest waits, and nothing is repeated."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.containers import Server
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
    reason,
    reasons,
    take_messages,
)
from tests.waiting import wait_until

from soundstrip_crds.names import FINALIZER

_ATTEMPTS = 3


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
        failing.start(RABBITMQ_URI=amqp_url)
        names = [kube.create(conversion(upload()))["metadata"]["name"] for _ in range(2)]
        kubelet.succeed(*names)
        wait_until(lambda: set(reasons(kube).values()) == {"Succeeded"}, "both have ended")
        for name in names:
            wait_until(lambda: len(put_off(failing, name)) >= _ATTEMPTS, "it is tried again")  # noqa: B023
        assert not notified(kube)

    wait_until(lambda: notified(kube) == set(names), "both are announced")
    messages = take_messages(amqp_url)
    assert len(messages) == len({message["id"] for message in messages}) == len(names)
    assert_ended_once(api, *names)


def test_a_deleted_conversion_is_held_until_mongodb_is_back_and_leaves_no_chunk_behind(
    kube: Namespace,
    failing: OperatorProcess,
    kubelet: Kubelet,
    upload: Callable[..., str],
    database: Any,
    mongo_server: Server,
) -> None:
    failing.start()
    name = kube.create(conversion(upload()))["metadata"]["name"]
    kubelet.succeed(name)
    wait_until(lambda: reason(kube, name) == "Succeeded", "it has a result")

    with frozen(mongo_server):
        kube.kubectl("delete", f"vc/{name}", "--wait=false")
        wait_until(lambda: put_off(failing, name, "MongoDB"), "it is tried again")
        assert kube.get("videoconversion", name)

    wait_until(lambda: not kube.get("videoconversion", name), "it is gone")
    for collection in FILES:
        assert database[collection].count_documents({}) == 0, collection


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

    with frozen(mongo_server):
        failing.start(STORAGE_PATIENCE_SECONDS="1")
        wait_until(lambda: not kube.get("videoconversion", name), "it is gone")

    assert "goes without its blobs" in failing.log()
    assert database["sources.files"].count_documents({}) == 1, "it is left to the sweep"


@contextmanager
def stopped(rabbitmq: Server) -> Iterator[None]:
    """Have the broker away: its node stands, and nobody listens."""
    rabbitmq.run("rabbitmqctl", "stop_app")
    try:
        yield
    finally:
        rabbitmq.run("rabbitmqctl", "start_app")


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Have a server away: connections stand, and nobody answers."""
    server.pause()
    try:
        yield
    finally:
        server.unpause()
