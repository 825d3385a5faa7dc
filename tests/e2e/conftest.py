"""Soundstrip itself, installed by its chart where Pod Security `restricted` is enforced."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.e2e.installation import VALUES, Installation
from tests.e2e.node import Node
from tests.e2e.person import Person
from tests.e2e.spare_node import remove_spare_node
from tests.kubernetes import Namespace
from tests.releases import CHART, helm

_ROOT = Path(__file__).parents[2]
_NAMESPACE = "soundstrip-e2e"


@pytest.fixture(scope="session")
def namespace() -> Iterator[Namespace]:
    namespace = Namespace(_NAMESPACE)
    remove_spare_node(namespace)
    namespace.remove()
    namespace.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={_ROOT / 'crds'}")
    namespace.kubectl("create", "namespace", namespace.name)
    label = "pod-security.kubernetes.io/enforce=restricted"
    namespace.kubectl("label", "namespace", namespace.name, label)
    yield namespace
    # Its end takes half a minute, which only a next run would have to wait for.
    namespace.kubectl("delete", "namespace", namespace.name, "--wait=false")


@pytest.fixture(scope="session")
def installation(namespace: Namespace) -> Iterator[Installation]:
    helm(namespace, "install", "soundstrip", str(CHART), f"--values={VALUES}", "--wait")
    with ExitStack() as stack:
        yield Installation(namespace, stack)


@pytest.fixture(scope="session")
def demo(installation: Installation) -> Person:
    return installation.demo


@pytest.fixture(scope="session")
def bob(installation: Installation) -> Person:
    """Somebody else."""
    command = ["create-user", "--name", "bob", "--email", "bob@example.com"]
    installation.namespace.kubectl(
        "exec",
        "--stdin",
        "deployment/soundstrip-auth",
        "--",
        "python",
        "-m",
        "soundstrip_auth",
        *command,
        stdin="a password of bob's own\n",
    )
    return Person(installation.gateway, "bob", "a password of bob's own")


@pytest.fixture(scope="session")
def node() -> Node:
    return Node("soundstrip-control-plane")


@pytest.fixture(autouse=True)
def state_on_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Show what a person would look at first when a test failed."""
    yield
    report = getattr(request.node, "report", None)
    if report is not None and report.failed and "installation" in request.fixturenames:
        namespace: Namespace = request.getfixturevalue("namespace")
        print(namespace.kubectl("get", "pods,jobs,videoconversions", "--output=wide"))
        print(namespace.kubectl("logs", "deployment/soundstrip-operator", "--tail=60"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined] # pluggy's result
    if report.when == "call":
        item.report = report  # type: ignore[attr-defined] # read by state_on_failure
