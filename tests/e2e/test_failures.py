"""Whatever dies in a conversion's pod, the outcome is right, soon, and without a person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.installation import Installation, condition, outcome
from tests.e2e.node import Node
from tests.e2e.person import Person
from tests.kubernetes import KubectlError
from tests.media import make_long
from tests.waiting import wait_until

from soundstrip_crds.names import API_VERSION, FINALIZER, KIND
from soundstrip_crds.reasons import REMEDY, Reason

_EAT_MEMORY = """
import os
file = os.memfd_create("food")
while True:
    os.write(file, bytes(1 << 20))
"""
"""Pages of a memory file count for the container and not for this process: the kernel kills the
largest process of the container, which is the one at work."""

_FILL_DISK = """
import os, sys
file = os.open("/conversion/output/more", os.O_CREAT | os.O_WRONLY)
os.posix_fallocate(file, 0, int(sys.argv[1]))
"""

_SOON = 60
"""Seconds, half of RESYNC_SECONDS: so it is a watch that tells, however slow the machine."""


@pytest.fixture(scope="module")
def long_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_long(tmp_path_factory.mktemp("long") / "long.mp4", minutes=12)


@pytest.fixture(scope="module", autouse=True)
def disk_full(installation: Installation, demo: Person, node: Node, long_video: Path) -> str:
    """A conversion whose output is larger than its volume may be.

    It is begun before all tests: a kubelet measures volumes once in one to two minutes.
    """
    name, pod = start(installation, demo, node, long_video)
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    limit = int(volumes["output"]["emptyDir"]["sizeLimit"])
    where = [pod["metadata"]["name"], "--container=converter"]
    command = ["python", "-c", _FILL_DISK, str(limit + (1 << 20))]
    installation.namespace.kubectl("exec", *where, "--", *command)
    return name


@pytest.fixture
def running(
    installation: Installation, demo: Person, node: Node, long_video: Path
) -> tuple[str, dict[str, Any]]:
    """A conversion whose FFmpeg is in the middle of its work, and its pod."""
    return start(installation, demo, node, long_video)


def start(
    installation: Installation, demo: Person, node: Node, video: Path
) -> tuple[str, dict[str, Any]]:
    name, pod = node.hold(installation.namespace, lambda: demo.upload(video))
    wait_until(lambda: is_told_to_convert(installation, name), "FFmpeg is at work")
    return name, pod


def is_told_to_convert(installation: Installation, name: str) -> bool:
    conversion = installation.conversion(name)
    percent = conversion["status"].get("progress", {}).get("percent")
    return outcome(conversion)[1] == "Converting" and bool(percent)


def kill_converter(installation: Installation, node: Node, pod: dict[str, Any]) -> None:
    node.kill(pod, "converter")


def kill_mover(installation: Installation, node: Node, pod: dict[str, Any]) -> None:
    node.kill(pod, "mover")


def eat_memory_of(container: str) -> Callable[[Installation, Node, dict[str, Any]], None]:
    def eat(installation: Installation, node: Node, pod: dict[str, Any]) -> None:
        name = pod["metadata"]["name"]
        command = ["python", "-c", _EAT_MEMORY]
        with pytest.raises(KubectlError):
            installation.namespace.kubectl("exec", name, f"--container={container}", "--", *command)

    return eat


def terminate_pod(installation: Installation, node: Node, pod: dict[str, Any]) -> None:
    installation.namespace.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        pytest.param(kill_converter, "WorkerLost", id="SIGKILL of the converter"),
        pytest.param(kill_mover, "WorkerLost", id="SIGKILL of the mover"),
        pytest.param(eat_memory_of("converter"), "OutOfMemory", id="converter out of memory"),
        pytest.param(eat_memory_of("mover"), "OutOfMemory", id="mover out of memory"),
        pytest.param(terminate_pod, "WorkerLost", id="SIGTERM of the pod"),
    ],
)
def test_a_lost_container_is_seen_soon_and_tried_again(
    break_it: Callable[[Installation, Node, dict[str, Any]], None],
    reason: str,
    installation: Installation,
    node: Node,
    running: tuple[str, dict[str, Any]],
):
    name, pod = running
    break_it(installation, node, pod)
    first = wait_for_first_try(installation, name, seconds=_SOON)
    assert first["reason"] == reason, first
    assert_second_try_succeeds(installation, name)
    installation.namespace.kubectl("delete", "videoconversion", name, "--timeout=170s")


def wait_for_first_try(installation: Installation, name: str, *, seconds: float) -> dict[str, Any]:
    """Wait until the end of the try is seen."""

    def first_try() -> dict[str, Any]:
        tries: list[dict[str, Any]] = installation.conversion(name)["status"]["runs"][0]["tries"]
        return tries[0]

    wait_until(lambda: first_try().get("finishedAt"), "the try ends", seconds=seconds)
    return first_try()


def assert_second_try_succeeds(installation: Installation, name: str) -> None:
    conversion = installation.wait_finished(name, seconds=240)
    assert outcome(conversion) == ("True", "Succeeded"), condition(conversion, "Succeeded")
    assert len(conversion["status"]["runs"][0]["tries"]) == 2
    assert installation.count_results(conversion) == 1


def test_a_running_conversion_is_cancelled_at_once(
    installation: Installation, running: tuple[str, dict[str, Any]]
):
    name, pod = running
    installation.namespace.patch("videoconversion", name, {"spec": {"cancelled": True}})
    conversion = installation.wait_finished(name, seconds=_SOON)
    assert outcome(conversion) == ("False", "Cancelled")
    installation.namespace.kubectl(
        "wait", f"pod/{pod['metadata']['name']}", "--for=delete", "--timeout=170s"
    )


def test_what_kueue_takes_back_in_the_middle_runs_again_as_the_same_try(
    installation: Installation, demo: Person, node: Node, long_video: Path
):
    """The test plays Kueue: all that Kueue does to a Job is to set `suspend`."""
    namespace = installation.namespace
    name = queue(installation, demo.upload(long_video))
    job = namespace.list("jobs", f"--selector=soundstrip.dev/conversion={name}")[0]

    def set_suspend(*, suspend: bool) -> str:
        namespace.patch("job", job["metadata"]["name"], {"spec": {"suspend": suspend}})
        return name

    _, pod = node.hold(namespace, lambda: set_suspend(suspend=False), pods=name)
    set_suspend(suspend=True)
    namespace.kubectl("wait", f"pod/{pod['metadata']['name']}", "--for=delete", "--timeout=120s")
    wait_until(
        lambda: outcome(installation.conversion(name)) == ("Unknown", "Queued"), "it waits again"
    )
    set_suspend(suspend=False)
    conversion = installation.wait_finished(name, seconds=240)
    assert outcome(conversion) == ("True", "Succeeded"), condition(conversion, "Succeeded")
    assert len(conversion["status"]["runs"][0]["tries"]) == 1
    assert installation.count_results(conversion) == 1


def queue(installation: Installation, sibling: str) -> str:
    """Ask for another conversion of the same upload, by way of Kueue, and wait for its Job."""
    name, spec = f"{sibling}-0123abcd", installation.conversion(sibling)["spec"]
    metadata = {"name": name, "finalizers": [FINALIZER]}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata}
    installation.namespace.create(body | {"spec": spec | {"queueName": "videos"}})
    wait_until(
        lambda: installation.conversion(name).get("status", {}).get("runs"), "its Job is there"
    )
    return name


def test_a_full_disk_is_called_so_and_tried_again(installation: Installation, disk_full: str):
    first = wait_for_first_try(installation, disk_full, seconds=300)
    assert first["reason"] == "DiskFull", first
    assert 'Evicted: Usage of EmptyDir volume "output" exceeds the limit' in first["message"]
    assert REMEDY[Reason.DISK_FULL] in first["message"]
    assert_second_try_succeeds(installation, disk_full)
