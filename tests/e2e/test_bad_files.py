"""What cannot be converted is said so, once, and leaves nothing behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.installation import Installation, condition, outcome
from tests.e2e.person import Person
from tests.media import make_headless, make_silent_video, make_truncated

from soundstrip_crds.names import CONVERSION_LABEL


@pytest.mark.parametrize(("content", "status"), [(b"", 422), (b"only words\n" * 99, 415)])
def test_what_is_no_media_is_refused_with_nothing_stored(
    content: bytes, status: int, installation: Installation, demo: Person, tmp_path: Path
):
    before = installation.count_documents()
    for path in ("/upload", "/v1/conversions"):
        answer = demo.request("POST", path, files={"file": ("film.mp4", content)})
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert installation.count_documents() == before


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_truncated, "CorruptMedia"),
        (make_headless, "CorruptMedia"),
        (make_silent_video, "NoAudioTrack"),
    ],
)
def test_what_cannot_succeed_fails_once_with_the_reason(
    make: Callable[[Path], Path],
    reason: str,
    installation: Installation,
    demo: Person,
    tmp_path: Path,
):
    results = installation.count_documents().get("results.files")
    name = demo.upload(make(tmp_path / "bad.mp4"))
    conversion = installation.wait_finished(name)
    assert outcome(conversion) == ("False", reason), condition(conversion, "Succeeded")
    assert len(conversion["status"]["runs"][0]["tries"]) == 1
    assert installation.count_documents().get("results.files") == results
    assert reason in installation.namespace.kubectl("describe", "videoconversion", name)
    words = _words_of_the_converter(installation, name)
    assert words.count("confined") == 1, words  # by Landlock, or not for want of it
    answer = demo.request("GET", f"/download?fid={name.removeprefix('vc-')}")
    assert answer.status_code == 409
    assert reason in answer.text


def _words_of_the_converter(installation: Installation, name: str) -> str:
    selector = f"--selector={CONVERSION_LABEL}={name}"
    return installation.namespace.kubectl("logs", selector, "--container=converter", "--tail=-1")
