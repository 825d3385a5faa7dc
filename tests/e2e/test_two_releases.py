"""A second release in the namespace, by accident: nothing is done twice or left behind."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.installation import VALUES, Installation, assert_each_ended_once
from tests.e2e.person import Person
from tests.e2e.port_forward import PortForward
from tests.media import make_clip
from tests.releases import CHART, helm
from tests.waiting import wait_until

from soundstrip_crds.names import FINALIZER

_STORES = (
    "--set=mongodb.enabled=false,mongodb.external.existingSecret=other-stores",
    "--set=mysql.enabled=false,mysql.external.host=soundstrip-mysql",
    "--set=mysql.external.existingSecret=soundstrip-auth",
    "--set=rabbitmq.enabled=false,rabbitmq.external.existingSecret=soundstrip-operator",
    "--set=mail.enabled=false",
)
"""The first one's stores: with them a second operator could do all that the first one does."""


@contextmanager
def second_release(installation: Installation) -> Iterator[PortForward]:
    """Lend the way to its gateway."""
    namespace = installation.namespace
    password = installation.secret("soundstrip-mongodb", "root-password")
    uri = f"mongodb://root:{password}@soundstrip-mongodb:27017/?authSource=admin"
    secret = ["secret", "generic", "other-stores", f"--from-literal=mongo-uri={uri}"]
    namespace.kubectl("create", *secret)
    chart = [str(CHART), f"--values={VALUES}", *_STORES]
    notes = helm(namespace, "install", "other", *chart, "--wait")
    try:
        assert "are those of another installation" in notes
        with PortForward(namespace, "service/other-soundstrip-gateway", 8000) as gateway:
            yield gateway
    finally:
        helm(namespace, "uninstall", "other", "--wait")


def test_two_releases_in_a_namespace_convert_each_video_once(
    installation: Installation, demo: Person, tmp_path: Path
):
    namespace = installation.namespace
    clip = make_clip(tmp_path / "clip.mp4")
    before = installation.count_documents()
    with second_release(installation) as gateway:
        password = installation.secret("soundstrip-first-user", "password")
        other = Person(gateway, "demo", password)
        assert health(installation, "other-soundstrip")["status"] == "standing by"
        names = [person.upload(clip) for person in (demo, other, demo, other)]
        [operator] = operators(installation, "soundstrip")
        namespace.kubectl("delete", "pod", operator, "--wait=false")
        names += [person.upload(clip) for person in (demo, other)]
        assert_each_ended_once(installation, names)
        assert len(jobs_that_were(installation, names)) == len(names)
        assert holder(installation).startswith("soundstrip-operator-"), "no other took over"
    wait_until(lambda: are_held(installation, names), "the first one's operator holds all again")
    namespace.kubectl("delete", "videoconversion", *names, "--timeout=170s")
    assert installation.count_documents() == before


def health(installation: Installation, release: str) -> dict[str, str]:
    service = f"/services/{release}-operator:8080/proxy/health"
    path = f"/api/v1/namespaces/{installation.namespace.name}{service}"
    answer: dict[str, str] = json.loads(installation.namespace.kubectl("get", "--raw", path))
    return answer


def jobs_that_were(installation: Installation, conversions: list[str]) -> set[str]:
    """Return the uids of all Jobs of the conversions for which a pod was made."""
    about = [event["involvedObject"] for event in installation.namespace.list("events")]
    return {
        one["uid"]
        for one in about
        if one["kind"] == "Job" and one["name"].startswith(tuple(conversions))
    }


def holder(installation: Installation) -> str:
    """Return the name of the pod that acts."""
    lease = installation.namespace.get("lease", "soundstrip-operator")
    assert lease
    name: str = lease["spec"]["holderIdentity"]
    return name


def operators(installation: Installation, release: str) -> list[str]:
    """Return the names of a release's operators."""
    pods = installation.pods("operator")
    label = "app.kubernetes.io/instance"
    return [p["metadata"]["name"] for p in pods if p["metadata"]["labels"][label] == release]


def are_held(installation: Installation, names: list[str]) -> bool:
    """Say whether none of the conversions can go before what it stored has gone."""
    found = map(installation.conversion, names)
    return all(FINALIZER in one["metadata"].get("finalizers", []) for one in found)
