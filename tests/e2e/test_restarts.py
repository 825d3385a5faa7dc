"""The operator and RabbitMQ may go at any time: nothing is lost, nothing happens twice."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.e2e.installation import Installation, assert_each_ended_once, condition
from tests.e2e.node import Node
from tests.e2e.person import Person
from tests.kubernetes import Namespace
from tests.media import make_clip, make_long
from tests.waiting import wait_until

_TEN = 10
_MOST_ACTIVE = 3
"""As in values.yaml."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten: those that run first are long enough to be held."""
    folder = tmp_path_factory.mktemp("ten")
    long = make_long(folder / "long.mp4", minutes=12)
    short = make_clip(folder / "short.mp4")
    return [long] * _MOST_ACTIVE + [short] * (_TEN - _MOST_ACTIVE)


def upload_ten(
    installation: Installation, demo: Person, clips: list[Path], node: Node
) -> list[str]:
    """Upload ten, and kill the operator while none is finished and as many run as may."""
    begun = [
        node.hold(installation.namespace, partial(demo.upload, clip))
        for clip in clips[:_MOST_ACTIVE]
    ]
    names = [name for name, _ in begun]
    names += [demo.upload(clip) for clip in clips[_MOST_ACTIVE:]]
    [operator] = installation.pods("operator")
    node.kill(operator, "operator")
    assert finished_ones(installation).isdisjoint(names)
    for _, pod in begun:
        node.go_on(pod)
    return names


@contextmanager
def rabbitmq_away(namespace: Namespace) -> Iterator[None]:
    rabbitmq = "statefulset/soundstrip-rabbitmq"
    namespace.kubectl("scale", rabbitmq, "--replicas=0")
    try:
        yield
    finally:
        namespace.kubectl("scale", rabbitmq, "--replicas=1")


def finished_ones(installation: Installation) -> set[str]:
    conversions = installation.namespace.list("videoconversions")
    return {
        one["metadata"]["name"]
        for one in conversions
        if condition(one, "Finished").get("status") == "True"
    }


def test_a_killed_operator_comes_back_and_each_of_ten_ends_once(
    installation: Installation, demo: Person, clips: list[Path], node: Node
):
    names = upload_ten(installation, demo, clips, node)
    assert_each_ended_once(installation, names)


def test_rabbitmq_away_for_a_minute_costs_no_e_mail_and_sends_none_twice(
    installation: Installation, demo: Person, clips: list[Path], node: Node
):
    with rabbitmq_away(installation.namespace):
        away_since = time.monotonic()
        names = upload_ten(installation, demo, clips, node)
        for name in names:
            installation.wait_finished(name)
        wait_until(lambda: time.monotonic() - away_since > 60, "a minute", seconds=61)
    assert_each_ended_once(installation, names)
