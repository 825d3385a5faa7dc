"""Who deletes a conversion is rid of it."""

from pathlib import Path

from tests.e2e.installation import Installation
from tests.e2e.person import Person
from tests.media import make_clip, make_long
from tests.waiting import wait_until


def test_a_deleted_conversion_leaves_no_chunk_behind(
    installation: Installation, demo: Person, tmp_path: Path
):
    before = installation.count_documents()
    name = demo.upload(make_clip(tmp_path / "clip.mp4"))
    installation.wait_finished(name)
    assert installation.count_documents() != before
    installation.namespace.kubectl("delete", "videoconversion", name, "--timeout=170s")
    assert installation.count_documents() == before
    assert installation.jobs_and_pods(name) == []


def test_a_conversion_deleted_while_it_runs_takes_job_and_pod_with_it(
    installation: Installation, demo: Person, tmp_path: Path
):
    before = installation.count_documents()
    name = demo.upload(make_long(tmp_path / "long.mp4", minutes=12))
    wait_until(lambda: is_running(installation, name), "the converter runs")
    answer = demo.request("DELETE", f"/v1/conversions/{name}")
    assert answer.status_code == 204, answer.text
    installation.namespace.kubectl(
        "wait", f"videoconversion/{name}", "--for=delete", "--timeout=170s"
    )
    assert installation.jobs_and_pods(name) == []
    assert installation.count_documents() == before
    assert demo.request("GET", f"/v1/conversions/{name}").status_code == 404


def is_running(installation: Installation, name: str) -> bool:
    selector = f"--selector=soundstrip.dev/conversion={name}"
    pods = installation.namespace.list("pods", selector)
    return any(pod["status"]["phase"] == "Running" for pod in pods)
