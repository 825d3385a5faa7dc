"""A node that stops takes a try with it, and nothing else."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.containers import docker
from tests.e2e.installation import Installation, outcome
from tests.e2e.node import Node
from tests.e2e.person import Person
from tests.e2e.spare_node import spare_node
from tests.media import make_long
from tests.waiting import wait_until

_FIRST = "soundstrip-control-plane"
_LABEL = "soundstrip.dev/test-node"
_TAINT = {"key": _LABEL, "operator": "Exists", "effect": "NoSchedule"}
_OPERATOR = "deployment/soundstrip-operator"


@pytest.fixture
def spare(installation: Installation) -> Iterator[str]:
    """A node that nothing but conversions' pods is let onto, and they nowhere else."""
    namespace = installation.namespace
    [operator] = installation.pods("operator")
    environment = operator["spec"]["containers"][0]["env"]
    image = next(one["value"] for one in environment if one["name"] == "WORKER_IMAGE")
    with spare_node(namespace, _FIRST, image, taint=f"{_LABEL}:NoSchedule") as name:
        namespace.kubectl("label", "node", name, f"{_LABEL}=")
        with pods_on_labelled_nodes(installation):
            yield name


@contextmanager
def pods_on_labelled_nodes(installation: Installation) -> Iterator[None]:
    selector, tolerations = json.dumps({_LABEL: ""}), json.dumps([_TAINT])
    wanted = (f"WORKER_NODE_SELECTOR={selector}", f"WORKER_TOLERATIONS={tolerations}")
    installation.namespace.kubectl("set", "env", _OPERATOR, *wanted)
    installation.wait_ready(_OPERATOR)
    try:
        yield
    finally:
        names = [one.partition("=")[0] for one in wanted]
        installation.namespace.kubectl("set", "env", _OPERATOR, *(f"{name}-" for name in names))
        installation.namespace.kubectl("label", "node", _FIRST, f"{_LABEL}-")
        installation.wait_ready(_OPERATOR)


def test_a_node_that_stops_costs_one_try_and_the_next_one_succeeds_elsewhere(
    installation: Installation, demo: Person, spare: str, tmp_path: Path
):
    clip = make_long(tmp_path / "long.mp4", minutes=12)
    name, _ = Node(spare).hold(installation.namespace, lambda: demo.upload(clip))

    def tries() -> list[dict[str, Any]]:
        runs = installation.conversion(name).get("status", {}).get("runs", [])
        found: list[dict[str, Any]] = runs[0].get("tries", []) if runs else []
        return found

    def converts() -> bool:
        return outcome(installation.conversion(name))[1] == "Converting"

    wait_until(converts, "FFmpeg is at work on the node")
    docker("kill", spare)
    installation.namespace.kubectl("label", "node", _FIRST, f"{_LABEL}=")
    # The node's absence is noticed after 50 s, tolerated for 30 s, and 35 s later its pod is lost.
    wait_until(lambda: tries()[0].get("finishedAt"), "the try is lost", seconds=400)
    assert tries()[0]["reason"] == "WorkerLost", tries()[0]
    assert spare in tries()[0]["message"]

    conversion = installation.wait_finished(name)
    assert outcome(conversion) == ("True", "Succeeded")
    assert [one["reason"] for one in tries()] == ["WorkerLost", "Succeeded"]
    assert installation.count_results(conversion) == 1
