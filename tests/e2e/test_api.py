"""What the API promises beside uploads, where FFmpeg, the operator and all stores are real."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests
from bson import ObjectId
from tests.e2e.installation import Installation, outcome
from tests.e2e.node import Node
from tests.e2e.person import Person
from tests.live import Reader
from tests.media import assert_same_audio, make_clip, make_long, make_silent_video
from tests.waiting import wait_until

from soundstrip_crds.names import BATCH_LABEL

_OUTPUTS = [{"format": "mp3", "quality": "V4"}, {"format": "opus", "bitrate": "64k"}]
_TYPES = ["audio/mpeg", "audio/ogg; codecs=opus"]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("api") / "talk.mp4", seconds=90)


@pytest.fixture(scope="module")
def seen(demo: Person, clip: Path) -> dict[str, list[dict[str, Any]]]:
    """The two conversions of one upload, each with all that a stream told of it to its end."""
    stream = Reader(demo.url("/v1/events"), demo.headers)
    stream.until("ready")
    with clip.open("rb") as file:
        form = {"files": {"file": (clip.name, file)}, "data": {"outputs": json.dumps(_OUTPUTS)}}
        answer = demo.request("POST", "/v1/conversions", **form)
    assert answer.status_code == 202, answer.text
    told: dict[str, list[dict[str, Any]]] = {
        each["id"]: [] for each in (answer.json(), *answer.json()["further"])
    }
    while any(not states or "finishedAt" not in states[-1] for states in told.values()):
        kind, about = stream.next()
        if kind == "conversion" and about["id"] in told:
            told[about["id"]].append(about)
    stream.close()
    return told


def ask(demo: Person, method: str, path: str, **options: Any) -> dict[str, Any]:
    answer = demo.request(method, path, **options)
    assert answer.ok, answer.text
    body: dict[str, Any] = answer.json() if answer.content else {}
    return body


def test_one_upload_is_seen_to_become_several_results(
    seen: dict[str, list[dict[str, Any]]], demo: Person, clip: Path, tmp_path: Path
):
    assert len(seen) == len(_OUTPUTS)
    for (name, states), content_type in zip(seen.items(), _TYPES, strict=True):
        assert states[-1]["state"] == "succeeded"
        assert states[-1]["result"]["contentType"] == content_type
        assert_same_audio(clip, demo.download(name, tmp_path / "audio"))


def test_a_stream_tells_how_far_a_conversion_is(
    installation: Installation, demo: Person, node: Node, tmp_path: Path
):
    clip = make_long(tmp_path / "long.mp4", minutes=12)
    name, _ = node.hold(installation.namespace, lambda: demo.upload(clip, notify="false"))
    stream = Reader(demo.url(f"/v1/conversions/{name}/events"), demo.headers)
    told = (stream.next()[1].get("progress", {}).get("percent", 0) for _ in count())
    assert 0 < next(filter(None, told)) < 100
    stream.close()
    installation.namespace.kubectl("delete", "videoconversion", name, "--timeout=170s")


def test_a_link_brings_the_audio_to_whoever_has_no_token(
    seen: dict[str, list[dict[str, Any]]], demo: Person, clip: Path, tmp_path: Path
):
    name = next(iter(seen))
    link = ask(demo, "POST", f"/v1/conversions/{name}/links", json={"maxDownloads": 1})
    answer = requests.get(demo.url(link["url"]), timeout=30)
    (tmp_path / "audio.mp3").write_bytes(answer.content)
    assert_same_audio(clip, tmp_path / "audio.mp3")
    assert requests.get(demo.url(link["url"]), timeout=30).status_code == 410


def test_what_was_cancelled_runs_again_to_its_end(
    seen: dict[str, list[dict[str, Any]]],
    installation: Installation,
    demo: Person,
    clip: Path,
    tmp_path: Path,
):
    source = {"conversion": next(iter(seen))}
    order = {"source": source, "output": {"format": "flac"}, "suspend": True}
    name = ask(demo, "POST", "/v1/conversions", json=order)["id"]
    ask(demo, "PATCH", f"/v1/conversions/{name}", json={"cancelled": True})
    assert outcome(installation.wait_finished(name)) == ("False", "Cancelled")
    assert ask(demo, "POST", f"/v1/conversions/{name}/retry")["state"] == "queued"
    again = wait_for_end(demo, name)
    assert (again["run"], again["state"]) == (2, "succeeded")
    assert_same_audio(clip, demo.download(name, tmp_path / "audio.flac"))


def test_what_failed_is_tried_again_when_it_is_asked_for(
    installation: Installation, demo: Person, tmp_path: Path
):
    name = demo.upload(make_silent_video(tmp_path / "silent.mp4"))
    assert outcome(installation.wait_finished(name)) == ("False", "NoAudioTrack")
    assert ask(demo, "POST", f"/v1/conversions/{name}/retry")["state"] == "queued"
    again = wait_for_end(demo, name)
    assert (again["run"], again["reason"]) == (2, "NoAudioTrack")
    runs = installation.conversion(name)["status"]["runs"]
    assert [len(run["tries"]) for run in runs] == [1, 1]


def wait_for_end(demo: Person, name: str) -> dict[str, Any]:
    """Read its events to their end, and return what the last one says."""
    stream = Reader(demo.url(f"/v1/conversions/{name}/events"), demo.headers)
    return stream.rest()[-1][1]


def test_a_batch_asked_for_by_http_makes_all_its_files(
    seen: dict[str, list[dict[str, Any]]],
    installation: Installation,
    demo: Person,
    clip: Path,
    tmp_path: Path,
):
    other = make_clip(tmp_path / "other.webm")
    clips = {next(iter(seen)): clip, demo.upload(other): other}
    order = {"sources": [{"conversion": name} for name in clips], "profiles": ["voice"]}
    path = f"/v1/batches/{ask(demo, 'POST', '/v1/batches', json=order)['id']}"
    wait_until(
        lambda: ask(demo, "GET", path)["state"] == "succeeded", "the batch ends", seconds=240
    )
    made = ask(demo, "GET", f"/v1/conversions?batch={path.rpartition('/')[2]}")["items"]
    assert {each["fileId"] for each in made} == {name.removeprefix("vc-") for name in clips}
    for each in made:
        audio = demo.download(each["id"], tmp_path / "audio.mp3")
        assert_same_audio(clips[f"vc-{each['fileId']}"], audio)
    ask(demo, "DELETE", path)
    left = ("videoconversions", f"--selector={BATCH_LABEL}={path.rpartition('/')[2]}")
    wait_until(lambda: not installation.namespace.list(*left), "its conversions go with it")


def test_what_has_expired_is_there_until_a_person_deletes_it(
    installation: Installation, demo: Person, tmp_path: Path
):
    clip = make_clip(tmp_path / "clip.mp4")
    name = demo.upload(clip, notify="false")
    path = f"/v1/conversions/{name}"
    conversion = installation.wait_finished(name)
    ask(demo, "PATCH", path, json={"ttlSecondsAfterFinished": 0})
    gone = ["wait", f"videoconversion/{name}", "--for=delete", "--timeout=170s"]
    installation.namespace.kubectl(*gone)
    assert ask(demo, "GET", path)["archivedAt"]
    assert_same_audio(clip, demo.download(name, tmp_path / "audio.mp3"))
    ask(demo, "DELETE", path)
    assert demo.request("GET", path).status_code == 404
    assert installation.count_results(conversion) == 0
    file_id = ObjectId(conversion["spec"]["source"]["fileId"])
    with installation.database() as database:
        assert database["sources.chunks"].count_documents({"files_id": file_id}) == 0
