"""One installation from its first day to its last, on a real cluster that enforces `restricted`.

The tests follow each other: each finds the release as the one before left it.
"""

import base64
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.chart.rendering import ROOT
from tests.e2e.node import Node
from tests.e2e.person import Person
from tests.e2e.port_forward import PortForward
from tests.kubernetes import Namespace
from tests.media import make_long
from tests.releases import CHART, helm
from tests.waiting import wait_until

FINALIZER = "soundstrip.dev/storage"
NAME = "vc-6740c1f2a3b4c5d6e7f80912"
CONVERSION = {
    "apiVersion": "soundstrip.dev/v1alpha1",
    "kind": "VideoConversion",
    "metadata": {"name": NAME, "finalizers": [FINALIZER], "labels": {"soundstrip.dev/owner": "1"}},
    "spec": {
        "source": {
            "fileId": NAME.removeprefix("vc-"),
            "filename": "gone.mp4",
            "size": 1,
            "contentType": "video/mp4",
            "sha256": "0" * 64,
        },
        "owner": {"id": "1", "name": "nobody"},
    },
}

SMALL = f"--values={Path(__file__).with_name('small.yaml')}"

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    namespace = Namespace("soundstrip-chart")
    namespace.remove()
    namespace.kubectl("create", "namespace", namespace.name)
    label = "pod-security.kubernetes.io/enforce=restricted"
    namespace.kubectl("label", "namespace", namespace.name, label)
    yield namespace
    namespace.remove()


def generated(namespace: Namespace) -> dict[str, Any]:
    """All that the chart made up at the first installation."""
    secrets = [s for s in namespace.list("secrets") if s["type"] == "Opaque"]
    found = {secret["metadata"]["name"]: secret["data"] for secret in secrets}
    install = namespace.get("configmap", "soundstrip-install")
    assert install
    return found | {"install": install["data"]}


def finalizers(namespace: Namespace) -> list[str]:
    conversion = namespace.get("videoconversion", NAME)
    assert conversion
    found: list[str] = conversion["metadata"].get("finalizers", [])
    return found


@pytest.fixture(scope="module")
def first(namespace: Namespace) -> dict[str, Any]:
    """The first installation, of the version before this one, and what it made up.

    It converts slowly, so that what is to be held in the middle is, however quick the machine.
    """
    done = subprocess.run(
        [ROOT / "hack" / "images" / "previous"], check=True, capture_output=True, text=True
    )
    chart = f"{done.stdout.strip()}/charts/soundstrip"
    slow = "--set=worker.cpu=400m"
    notes = helm(namespace, "install", "soundstrip", chart, SMALL, slow, "--wait")
    assert "no notifier runs" in notes
    return generated(namespace)


@contextmanager
def logged_in(namespace: Namespace, first: dict[str, Any]) -> Iterator[Person]:
    user = {k: base64.b64decode(v).decode() for k, v in first["soundstrip-first-user"].items()}
    with PortForward(namespace, "service/soundstrip-gateway", 8000) as forward:
        yield Person(forward, user["name"], user["password"])


def names(namespace: Namespace) -> list[str]:
    return [one["metadata"]["name"] for one in namespace.list("videoconversions")]


def reason(namespace: Namespace, name: str) -> str:
    conditions = (namespace.get("videoconversion", name) or {}).get("status", {})["conditions"]
    return next((str(c["reason"]) for c in conditions if c["type"] == "Succeeded"), "")


def test_an_upgrade_from_the_version_before_loses_and_repeats_nothing(
    namespace: Namespace, first: dict[str, Any], tmp_path: Path
):
    clip, node = make_long(tmp_path / "long.mp4", minutes=12), Node("soundstrip-control-plane")
    with logged_in(namespace, first) as person:
        begun = [node.hold(namespace, lambda: person.upload(clip)) for _ in range(2)]
        names = [name for name, _ in begun] + [person.upload(clip)]  # two run, one waits
    crds = [f"--filename={path}" for path in sorted((ROOT / "crds").glob("*.yaml"))]
    namespace.kubectl("apply", "--server-side", "--force-conflicts", *crds)
    helm(namespace, "upgrade", "soundstrip", str(CHART), SMALL, "--wait")
    for _, pod in begun:
        node.go_on(pod)

    assert generated(namespace) == first
    for name in names:
        wait = ["wait", f"vc/{name}", "--for=condition=Notified", "--timeout=240s"]
        namespace.kubectl(*wait, seconds=250)
        status = (namespace.get("videoconversion", name) or {})["status"]
        assert reason(namespace, name) == "Succeeded"
        [run] = status["runs"]
        assert len(run["tries"]) == 1, "what ran goes on, and nothing runs twice"
    with logged_in(namespace, first) as person:
        for name in names:
            assert person.request("GET", f"/v1/conversions/{name}/result").ok
            namespace.kubectl("delete", "vc", name, "--timeout=170s")


def test_an_upgrade_of_values_changes_no_secret(namespace: Namespace, first: dict[str, Any]):
    one = "--set=operator.maxActiveJobs=1"
    helm(namespace, "upgrade", "soundstrip", str(CHART), SMALL, one, "--wait")
    assert generated(namespace) == first


def test_uninstalling_leaves_conversions_that_can_be_deleted(
    namespace: Namespace, first: dict[str, Any]
):
    namespace.create(CONVERSION)
    wait = ["wait", f"vc/{NAME}", "--for=condition=Finished", "--timeout=180s"]
    namespace.kubectl(*wait, seconds=190)
    assert finalizers(namespace) == [FINALIZER]
    helm(namespace, "uninstall", "soundstrip")
    assert finalizers(namespace) == []
    assert namespace.list("leases") == [], "another release may have the namespace"
    running = ("pods", "--field-selector=status.phase=Running")
    wait_until(lambda: not namespace.list(*running), "the stores end, too", seconds=180)
    assert namespace.list("persistentvolumeclaims")


def test_a_second_installation_finds_secrets_and_data_again(
    namespace: Namespace, first: dict[str, Any]
):
    helm(namespace, "install", "soundstrip", str(CHART), "--wait")
    assert generated(namespace) == first
    with logged_in(namespace, first) as person:
        assert person.request("GET", "/v1/conversions").ok
    wait_until(
        lambda: finalizers(namespace) == [FINALIZER], "the operator takes it on again", seconds=180
    )


def test_an_installation_without_values_converts_a_second_of_video(
    namespace: Namespace, first: dict[str, Any]
):
    told = helm(namespace, "test", "soundstrip")
    assert "Phase:          Succeeded" in told
    wait_until(lambda: names(namespace) == [NAME], "what the test converted is gone")


def test_deleting_the_namespace_does_not_hang_on_a_conversion(
    namespace: Namespace, first: dict[str, Any]
):
    assert finalizers(namespace) == [FINALIZER]
    delete = ["delete", "namespace", namespace.name, "--timeout=400s"]
    namespace.kubectl(*delete, seconds=420)
    assert namespace.get("namespace", namespace.name) is None
