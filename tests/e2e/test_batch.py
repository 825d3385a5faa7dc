"""Many at once: from uploads to MP3s, and all of it gone with the batch."""

from pathlib import Path
from typing import Any

from tests.e2e.installation import Installation
from tests.e2e.person import Person
from tests.media import assert_same_audio, make_clip
from tests.waiting import wait_until

from soundstrip_crds.names import API_VERSION, BATCH_KIND, BATCH_LABEL

_PARALLELISM = 2
"""Fewer than the places that there are."""


def test_a_batch_makes_of_each_clip_what_each_profile_says_and_takes_all_of_it_along(
    installation: Installation, demo: Person, tmp_path: Path
):
    namespace = installation.namespace
    clips = {
        demo.upload(clip): clip
        for clip in (make_clip(tmp_path / name) for name in ("a.mp4", "b.webm", "c.mkv"))
    }
    for name in clips:
        installation.wait_finished(name)
    before = installation.count_documents()
    namespace.kubectl("label", "videoconversion", *clips, "album=holiday")
    owner = installation.conversion(next(iter(clips)))["spec"]["owner"]
    namespace.create(batch(owner, {"album": "holiday"}))
    wait = ["wait", "cbatch/holiday", "--for=condition=Succeeded", "--timeout=300s"]
    namespace.kubectl(*wait, seconds=310)

    found = namespace.get("conversionbatch", "holiday")
    assert found
    assert found["status"]["total"] == len(clips) * 2
    counts = {how: count for how, count in found["status"]["counts"].items() if count}
    assert counts == {"succeeded": len(clips) * 2}
    made = children(installation)
    assert most_at_once(made) <= _PARALLELISM
    for child in made:
        assert child["status"]["result"]["contentType"] == "audio/mpeg"
        audio = demo.download(child["metadata"]["name"], tmp_path / "audio.mp3")
        clip = clips[f"vc-{child['spec']['source']['fileId']}"]
        assert_same_audio(clip, audio)
        assert installation.count_results(child) == 1
    outputs = {(c["spec"]["source"]["fileId"], bitrate_or_quality(c)) for c in made}
    assert len(outputs) == len(made)
    assert {output for _, output in outputs} == {"128k", "V7"}

    namespace.kubectl("delete", "conversionbatch", "holiday", "--timeout=170s")
    wait_until(lambda: not children(installation), "its conversions go with it")
    assert installation.count_documents() == before
    assert installation.jobs_and_pods(*(child["metadata"]["name"] for child in made)) == []


def batch(owner: dict[str, str], labels: dict[str, str]) -> dict[str, Any]:
    spec = {
        "owner": owner,
        "selector": {"matchLabels": labels},
        "profiles": ["small", "voice"],
        "parallelism": _PARALLELISM,
    }
    metadata = {"name": "holiday"}
    return {"apiVersion": API_VERSION, "kind": BATCH_KIND, "metadata": metadata, "spec": spec}


def children(installation: Installation) -> list[dict[str, Any]]:
    return installation.namespace.list("videoconversions", f"--selector={BATCH_LABEL}=holiday")


def bitrate_or_quality(child: dict[str, Any]) -> str:
    output: dict[str, str] = child["status"]["output"]
    return output.get("bitrate") or output["quality"]


def most_at_once(made: list[dict[str, Any]]) -> int:
    """Return how many were under way in the fullest second."""
    tries = [one["status"]["runs"][0]["tries"][0] for one in made]
    spans = [(one["startedAt"], one["finishedAt"]) for one in tries]
    return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)
