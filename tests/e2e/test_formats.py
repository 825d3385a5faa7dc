"""The main job: each format that goes in comes out as the same sound."""

from pathlib import Path

import pytest
from tests.e2e.installation import Installation, condition, outcome
from tests.e2e.person import Person
from tests.media import FORMATS, assert_same_audio, make_all

EXTENSIONS = [each.extension for each in FORMATS]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {path.suffix[1:]: path for path in make_all(folder)}


@pytest.fixture(scope="module")
def conversions(installation: Installation, demo: Person, clips: dict[str, Path]) -> dict[str, str]:
    """All formats are uploaded before any is waited for: they queue."""
    return {name: demo.upload(path) for name, path in clips.items()}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_each_format_becomes_the_same_sound(
    name: str,
    installation: Installation,
    demo: Person,
    clips: dict[str, Path],
    conversions: dict[str, str],
    tmp_path: Path,
):
    conversion = installation.wait_finished(conversions[name], seconds=180)
    assert outcome(conversion) == ("True", "Succeeded"), condition(conversion, "Succeeded")
    audio = demo.download(conversions[name], tmp_path / "audio.mp3")
    assert_same_audio(clips[name], audio)
    assert conversion["status"]["progress"]["percent"] == 100
    assert conversion["status"]["result"]["size"] == audio.stat().st_size


def test_another_format_has_its_own_name_and_type(
    installation: Installation, demo: Person, clips: dict[str, Path], tmp_path: Path
):
    wish = {"format": "opus", "trimDuration": "2", "title": "A talk"}
    name = demo.upload(clips["mov"], **wish)
    conversion = installation.wait_finished(name, seconds=180)
    assert outcome(conversion) == ("True", "Succeeded"), condition(conversion, "Succeeded")
    result = conversion["status"]["result"]
    assert (result["filename"], result["contentType"]) == ("clip.opus", "audio/ogg; codecs=opus")
    assert result["durationSeconds"] == pytest.approx(2, abs=0.05)
    answer = demo.request("GET", f"/v1/conversions/{name}/result")
    assert answer.headers["Content-Type"] == "audio/ogg; codecs=opus"
    assert "clip.opus" in answer.headers["Content-Disposition"]
    assert answer.content.startswith(b"OggS")
