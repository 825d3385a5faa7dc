"""Memory does not grow with the file."""

from pathlib import Path

from tests.e2e.installation import Installation, condition, outcome
from tests.e2e.person import Person
from tests.media import make_large

_GIGABYTE = 10**9


def test_a_gigabyte_passes_through_containers_of_150_mebibytes(
    installation: Installation, demo: Person, tmp_path: Path
):
    video = make_large(tmp_path / "large.avi", size=_GIGABYTE)
    assert video.stat().st_size >= _GIGABYTE
    with video.open("rb") as body:
        answer = demo.request("POST", "/v1/conversions?filename=large.avi", data=body, seconds=300)
    assert answer.status_code == 202, answer.text
    name = f"vc-{answer.json()['id'].removeprefix('vc-')}"
    conversion = installation.wait_finished(name, seconds=300)
    assert outcome(conversion) == ("True", "Succeeded"), condition(conversion, "Succeeded")
    [gateway] = installation.pods("gateway")
    assert gateway["spec"]["containers"][0]["resources"]["limits"]["memory"] == "150Mi"
    assert gateway["status"]["containerStatuses"][0]["restartCount"] == 0
    assert len(conversion["status"]["runs"][0]["tries"]) == 1
    installation.namespace.kubectl("delete", "videoconversion", name, "--timeout=60s")
