"""Memory does not grow with the file."""

from pathlib import Path

from tests.e2e.installation import Installation, condition, outcome
from tests.e2e.person import Person
from tests.media import make_large
from tests.waiting import wait_until

from soundstrip_crds.names import CONVERTER, MOVER

_GIGABYTE = 10**9
_LIMIT = 150 * 2**20


def test_a_gigabyte_passes_through_containers_of_150_mebibytes(
    installation: Installation, demo: Person, tmp_path: Path
):
    video = make_large(tmp_path / "large.avi", size=_GIGABYTE)
    assert video.stat().st_size >= _GIGABYTE
    with video.open("rb") as body:
        answer = demo.request("POST", "/v1/conversions?filename=large.avi", data=body, seconds=300)
    assert answer.status_code == 202, answer.text
    name = f"vc-{answer.json()['id'].removeprefix('vc-')}"
    assert limits_of_worker(installation, name) == dict.fromkeys((MOVER, CONVERTER), _LIMIT)
    conversion = installation.wait_finished(name)
    assert outcome(conversion) == ("True", "Succeeded"), condition(conversion, "Succeeded")
    [gateway] = installation.pods("gateway")
    assert gateway["spec"]["containers"][0]["resources"]["limits"]["memory"] == "400Mi"
    assert gateway["status"]["containerStatuses"][0]["restartCount"] == 0
    assert len(conversion["status"]["runs"][0]["tries"]) == 1
    installation.namespace.kubectl("delete", "videoconversion", name, "--timeout=170s")


def limits_of_worker(installation: Installation, name: str) -> dict[str, int]:
    """Return the memory limits in bytes of the pod at work, which goes with its success."""
    found: list[dict[str, int]] = []

    def look() -> bool:
        selector = f"--selector=soundstrip.dev/conversion={name}"
        for pod in installation.namespace.list("pods", selector):
            containers = pod["spec"]["containers"]
            found.append({c["name"]: int(c["resources"]["limits"]["memory"]) for c in containers})
        return bool(found)

    wait_until(look, "the worker's pod is there")
    return found[0]
