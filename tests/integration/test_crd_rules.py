"""Every rule of the CRD on a real API server: what it accepts, and what it refuses."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from tests.api_server import Refused
from tests.kubernetes import Corner, fresh_namespace

from soundstrip_gateway.wishes import WishRefused, parse_wish

Body = dict[str, Any]

FILE_ID = "0123456789abcdef01234567"


def conversion(name: str = f"vc-{FILE_ID}", **spec: Any) -> Body:
    source = {
        "fileId": FILE_ID,
        "filename": "clip.mp4",
        "size": 1,
        "contentType": "video/mp4",
        "sha256": "0" * 64,
    }
    return {
        "apiVersion": "soundstrip.dev/v1alpha1",
        "kind": "VideoConversion",
        "metadata": {"name": name},
        "spec": {"source": source, "owner": {"id": "u1", "name": "Ann"}} | spec,
    }


def merge(body: Body, patch: Body) -> Body:
    merged = copy.deepcopy(body)
    for key, value in patch.items():
        old = merged.get(key)
        merged[key] = merge(old, value) if isinstance(value, dict) and old else value
    return merged


def refusal(shared_kube: Corner, body: Body) -> str:
    with pytest.raises(Refused) as refused:
        shared_kube.try_create(body)
    return str(refused.value)


def test_defaults_are_filled_in(shared_kube: Corner):
    spec = shared_kube.try_create(conversion())["spec"]
    assert spec["output"] == {"coverArt": True}
    assert spec["notify"] == {"email": True}
    assert spec["cancelled"] is False
    assert spec["activeDeadlineSeconds"] == 3600
    assert (spec["run"], spec["priority"], spec["suspend"]) == (1, 0, False)


@pytest.mark.parametrize("name", [f"vc-{FILE_ID}", f"vc-{FILE_ID}-0a1b2c3d"])
def test_a_name_that_follows_from_the_source_is_accepted(shared_kube: Corner, name: str):
    assert shared_kube.try_create(conversion(name))["metadata"]["name"] == name


@pytest.mark.parametrize(
    "name", ["vc-other", f"vc-{FILE_ID}-x", f"vc-{FILE_ID}-0A1b2c3d".lower() + "0", FILE_ID]
)
def test_any_other_name_is_refused(shared_kube: Corner, name: str):
    assert "the name must be" in refusal(shared_kube, conversion(name))


OUTPUTS = [
    {"bitrate": "320k"},
    {"quality": "V9"},
    {"format": "mp3"},
    {"profile": "voice"},
    {},
    {"format": "opus", "bitrate": "96k", "sampleRate": 24000, "channels": "mono"},
    {"format": "flac", "preset": "high", "bitDepth": 24, "sampleRate": 96000},
    {"format": "original", "trim": {"start": 1.5, "duration": 0.01}},
    {"sampleRate": 24000, "bitrate": "160k"},
    {"format": "m4a", "sampleRate": 16000, "bitrate": "320k"},
    {"profile": "voice", "trim": {"duration": 60}, "track": {"index": 31}, "coverArt": False},
    {"track": {"language": "en-GB"}, "metadata": {"title": "A talk", "albumArtist": "Ann"}},
]

CONTRADICTIONS: list[tuple[dict[str, str], Body]] = [
    ({"bitrate": "128k", "quality": "V0"}, {"bitrate": "128k", "quality": "V0"}),
    ({"format": "opus", "quality": "V0"}, {"format": "opus", "quality": "V0"}),
    ({"format": "flac", "bitrate": "128k"}, {"format": "flac", "bitrate": "128k"}),
    ({"bitDepth": "24"}, {"bitDepth": 24}),
    ({"format": "m4a", "bitDepth": "16"}, {"format": "m4a", "bitDepth": 16}),
    ({"format": "original", "preset": "fast"}, {"format": "original", "preset": "fast"}),
    ({"format": "original", "channels": "mono"}, {"format": "original", "channels": "mono"}),
    (
        {"format": "original", "loudness": "-16"},
        {"format": "original", "loudness": {"target": -16}},
    ),
    ({"format": "original", "sampleRate": "48000"}, {"format": "original", "sampleRate": 48000}),
    ({"sampleRate": "96000"}, {"sampleRate": 96000}),
    ({"format": "mp3", "sampleRate": "88200"}, {"format": "mp3", "sampleRate": 88200}),
    ({"format": "opus", "sampleRate": "44100"}, {"format": "opus", "sampleRate": 44100}),
    ({"sampleRate": "22050", "bitrate": "192k"}, {"sampleRate": 22050, "bitrate": "192k"}),
    ({"sampleRate": "8000", "bitrate": "80k"}, {"sampleRate": 8000, "bitrate": "80k"}),
    ({"profile": "voice", "format": "mp3"}, {"profile": "voice", "format": "mp3"}),
    ({"profile": "voice", "channels": "mono"}, {"profile": "voice", "channels": "mono"}),
    ({"track": "1", "language": "eng"}, {"track": {"index": 1, "language": "eng"}}),
]
"""As fields of a form, and as words of the object."""


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_profile_or_bitrate_or_quality_or_nothing_is_accepted(shared_kube: Corner, output: Body):
    accepted = shared_kube.try_create(conversion(output=output))["spec"]["output"]
    assert merge(accepted, output) == accepted


@pytest.mark.parametrize(("fields", "output"), CONTRADICTIONS)
def test_what_does_not_go_together_is_refused_with_the_gateways_sentence(
    shared_kube: Corner, fields: dict[str, str], output: Body
):
    with pytest.raises(WishRefused) as refused:
        parse_wish(fields)
    sentence = str(refused.value).removesuffix(".")
    assert sentence[1:] in refusal(shared_kube, conversion(output=output))


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ({"output": {"track": {}}}, "one of the two"),
        ({"output": {"track": {"index": 32}}}, "index"),
        ({"output": {"track": {"language": "e"}}}, "language"),
        ({"output": {"trim": {"start": -1}}}, "start"),
        ({"output": {"trim": {"duration": 0}}}, "at least 0.01"),
        ({"output": {"trim": {"duration": 0.009}}}, "duration"),
        ({"output": {"loudness": {"target": -4}}}, "target"),
        ({"output": {"loudness": {"truePeak": 1}}}, "truePeak"),
        ({"output": {"sampleRate": 44101}}, "sampleRate"),
        ({"output": {"channels": "5.1"}}, "channels"),
        ({"output": {"preset": "slow"}}, "preset"),
        ({"output": {"metadata": {"title": ""}}}, "title"),
        ({"output": {"metadata": {"title": "x" * 256}}}, "title"),
        ({"output": {"bitrate": "128k", "quality": "V0"}}, "not both"),
        ({"output": {"profile": "voice", "format": "mp3"}}, "give a profile, or"),
        ({"output": {"profile": "voice", "bitrate": "128k"}}, "give a profile, or"),
        ({"output": {"profile": "voice", "quality": "V0"}}, "give a profile, or"),
        ({"output": {"profile": "My Voice"}}, "profile"),
        ({"output": {"profile": ""}}, "profile"),
        ({"output": {"profile": "a" * 64}}, "profile"),
        ({"output": {"bitrate": "97k"}}, "bitrate"),
        ({"output": {"quality": "V10"}}, "quality"),
        ({"output": {"format": "wma"}}, "format"),
        ({"activeDeadlineSeconds": 0}, "activeDeadlineSeconds"),
        ({"activeDeadlineSeconds": 86401}, "activeDeadlineSeconds"),
        ({"priority": 1001}, "priority"),
        ({"priority": -1001}, "priority"),
        ({"suspend": "yes"}, "suspend"),
        ({"run": 0}, "run"),
        ({"queueName": "-videos"}, "queueName"),
        ({"queueName": "v" * 64}, "queueName"),
        ({"ttlSecondsAfterFinished": -1}, "ttlSecondsAfterFinished"),
        ({"ttlSecondsAfterFinished": 315360001}, "ttlSecondsAfterFinished"),
        ({"ttlSecondsAfterFinished": "1h"}, "ttlSecondsAfterFinished"),
        ({"owner": {"id": "-x", "name": "Ann"}}, "owner.id"),
        ({"owner": {"id": "u1", "name": ""}}, "owner.name"),
        ({"notify": {"email": "yes"}}, "email"),
        ({"source": {"sha256": "0" * 63}}, "sha256"),
        ({"source": {"size": -1}}, "size"),
        ({"source": {"filename": ""}}, "filename"),
        ({"source": {"filename": "x" * 256}}, "filename"),
    ],
)
def test_what_is_out_of_bounds_is_refused(shared_kube: Corner, spec: Body, word: str):
    assert word in refusal(shared_kube, merge(conversion(), {"spec": spec}))


@pytest.mark.parametrize("path", ["source", "owner", "owner.id", "owner.name", "source.fileId"])
def test_what_is_required_cannot_be_left_out(shared_kube: Corner, path: str):
    body = conversion()
    *folders, last = path.split(".")
    part = body["spec"]
    for folder in folders:
        part = part[folder]
    del part[last]
    assert last in refusal(shared_kube, body)


def change(corner: Corner, start: Body, patch: Body) -> Body:
    name = corner.create(start)["metadata"]["name"]
    return corner.patch("videoconversion", name, {"spec": patch})


@pytest.mark.parametrize(
    ("start", "patch", "message"),
    [
        pytest.param({}, {"source": {"size": 2}}, "spec.source cannot change", id="source"),
        pytest.param({}, {"owner": {"id": "u2"}}, "spec.owner cannot change", id="owner id"),
        pytest.param({}, {"owner": {"name": "Eve"}}, "spec.owner cannot change", id="owner name"),
        pytest.param(
            {}, {"output": {"bitrate": "320k"}}, "spec.output cannot change", id="bitrate added"
        ),
        pytest.param(
            {"output": {"bitrate": "320k"}},
            {"output": {"bitrate": "128k"}},
            "spec.output cannot change",
            id="bitrate changed",
        ),
        pytest.param(
            {"output": {"bitrate": "320k"}},
            {"output": {"bitrate": None}},
            "spec.output cannot change",
            id="bitrate removed",
        ),
        pytest.param(
            {}, {"output": {"quality": "V2"}}, "spec.output cannot change", id="quality added"
        ),
        pytest.param(
            {"output": {"quality": "V2"}},
            {"output": {"quality": None}},
            "spec.output cannot change",
            id="quality removed",
        ),
        pytest.param(
            {}, {"output": {"profile": "voice"}}, "spec.output cannot change", id="profile added"
        ),
        pytest.param(
            {"output": {"profile": "voice"}},
            {"output": {"profile": "high"}},
            "spec.output cannot change",
            id="profile changed",
        ),
        pytest.param(
            {"output": {"profile": "voice"}},
            {"output": {"profile": None}},
            "spec.output cannot change",
            id="profile removed",
        ),
        pytest.param(
            {"output": {"quality": "V2"}}, {"output": None}, "cannot change", id="output removed"
        ),
        pytest.param(
            {}, {"notify": {"email": False}}, "spec.notify cannot change", id="email changed"
        ),
        pytest.param(
            {"notify": {"email": False}}, {"notify": None}, "cannot change", id="notify removed"
        ),
        pytest.param(
            {}, {"activeDeadlineSeconds": 60}, "activeDeadlineSeconds cannot change", id="deadline"
        ),
        pytest.param(
            {"activeDeadlineSeconds": 60},
            {"activeDeadlineSeconds": None},
            "activeDeadlineSeconds cannot change",
            id="deadline removed",
        ),
        pytest.param(
            {"cancelled": True}, {"cancelled": False}, "cannot be taken back", id="cancel undone"
        ),
        pytest.param(
            {"cancelled": True}, {"cancelled": None}, "cannot be taken back", id="cancel removed"
        ),
        pytest.param({}, {"queueName": "q"}, "spec.queueName cannot change", id="queue added"),
        pytest.param({"queueName": "q"}, {"queueName": "r"}, "cannot change", id="queue changed"),
        pytest.param({"queueName": "q"}, {"queueName": None}, "cannot change", id="queue removed"),
        pytest.param({}, {"run": 2}, "goes up by exactly one, and only", id="run of what goes on"),
        pytest.param({"run": 3}, {"run": 2}, "goes up by exactly one", id="run lowered"),
        pytest.param({"run": 3}, {"run": None}, "goes up by exactly one", id="run removed"),
    ],
)
def test_what_was_asked_for_cannot_change(corner: Corner, start: Body, patch: Body, message: str):
    with pytest.raises(Refused, match=message):
        change(corner, conversion(**start), patch)


@pytest.mark.parametrize(
    ("start", "patch"),
    [
        pytest.param({}, {"cancelled": True}, id="cancel"),
        pytest.param({"cancelled": True}, {"cancelled": True}, id="cancel twice"),
        pytest.param({}, {"suspend": True}, id="suspend"),
        pytest.param({"suspend": True}, {"suspend": False}, id="resume"),
        pytest.param({"suspend": True}, {"suspend": None}, id="resume by default"),
        pytest.param({}, {"priority": 5}, id="priority"),
        pytest.param({"priority": 5}, {"priority": None}, id="priority by default"),
        pytest.param({}, {"output": None}, id="a default removed comes back"),
        pytest.param({"notify": {"email": True}}, {"notify": None}, id="email by default"),
        pytest.param({}, {"ttlSecondsAfterFinished": 0}, id="ttl added"),
        pytest.param(
            {"ttlSecondsAfterFinished": 60},
            {"ttlSecondsAfterFinished": 315360000},
            id="ttl changed",
        ),
        pytest.param(
            {"ttlSecondsAfterFinished": 60}, {"ttlSecondsAfterFinished": None}, id="ttl removed"
        ),
    ],
)
def test_what_may_change_or_changes_nothing_is_accepted(corner: Corner, start: Body, patch: Body):
    assert change(corner, conversion(**start), patch)["spec"]["owner"]["id"] == "u1"


def status(**parts: Any) -> Body:
    condition = {
        "type": "Succeeded",
        "status": "Unknown",
        "reason": "Queued",
        "message": "It waits.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    return {"conditions": [condition | parts.pop("condition", {})]} | parts


def test_the_status_is_a_subresource_of_its_own(corner: Corner):
    body = corner.create(conversion() | {"status": status()})
    assert "status" not in body
    written = corner.replace_status(body | {"status": status()})
    assert written["status"]["conditions"][0]["reason"] == "Queued"
    assert written["metadata"]["generation"] == 1


def finished(corner: Corner, value: str, **spec: Any) -> str:
    body = corner.create(conversion(**spec))
    corner.replace_status(body | {"status": status(condition={"status": value})})
    name: str = body["metadata"]["name"]
    return name


def test_what_failed_may_run_again_once_for_each_change(corner: Corner):
    name = finished(corner, "False", cancelled=True)
    with pytest.raises(Refused, match="goes up by exactly one"):
        corner.patch("videoconversion", name, {"spec": {"run": 3}})
    again = corner.patch("videoconversion", name, {"spec": {"run": 2, "cancelled": False}})
    assert (again["spec"]["run"], again["spec"]["cancelled"]) == (2, False)


def test_what_succeeded_may_not_run_again(corner: Corner):
    name = finished(corner, "True")
    with pytest.raises(Refused, match="only when Succeeded is False"):
        corner.patch("videoconversion", name, {"spec": {"run": 2}})


@pytest.mark.parametrize(
    "wrong",
    [
        status(condition={"type": "Other"}),
        status(condition={"status": "Maybe"}),
        status(condition={"reason": "two words"}),
        status(condition={"message": "x" * 1025}),
        status(output={"bitrate": "192k"}),
        status(output={"format": "mp3", "quality": "V10"}),
        status(output={"format": "mp3", "profile": "My Voice"}),
        status(progress={"percent": 101}),
        status(queue={"position": 0}),
        status(queue={}),
        status(media={"durationSeconds": 1}),
        status(media={"container": "mp4", "tracks": [{"index": 0, "codec": "a"}] * 2}),
        status(runs=[{"number": 1}, {"number": 1}]),
        status(runs=[{"number": 1, "tries": [{"number": 1, "job": "j"}]}]),
    ],
)
def test_a_status_that_is_out_of_bounds_is_refused(corner: Corner, wrong: Body):
    body = corner.create(conversion())
    with pytest.raises(Refused, match=r"Invalid|invalid|Required|Duplicate"):
        corner.replace_status(body | {"status": wrong})


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("spec.owner.id=u1", ["a"]),
        ("spec.owner.name=Bob", ["b"]),
        ("spec.source.fileId=bbbbbbbbbbbbbbbbbbbbbbbb", ["b"]),
        ("spec.queueName=videos", ["b"]),
        ("spec.suspend=true", ["a"]),
        ("spec.cancelled=false,spec.owner.id=u2", ["b"]),
    ],
)
def test_fields_select(two: Corner, selector: str, names: list[str]):
    found = two.list("videoconversions", f"--field-selector={selector}")
    assert [one["metadata"]["name"] for one in found] == [f"vc-{name * 24}" for name in names]


@pytest.fixture(scope="module")
def two(crd: None) -> Iterator[Corner]:
    """Ann's conversion is suspended, and Bob's is queued by Kueue."""
    with fresh_namespace() as namespace:
        for name, spec in {
            "a": {"suspend": True},
            "b": {"owner": {"id": "u2", "name": "Bob"}, "queueName": "videos"},
        }.items():
            body = conversion(f"vc-{name * 24}", source={"fileId": name * 24}, **spec)
            namespace.create(merge(conversion(), body))
        yield namespace


def test_the_columns_tell_the_story(corner: Corner):
    told = status(
        condition={"reason": "Converting"},
        output={"format": "mp3", "bitrate": "192k"},
        progress={"percent": 42},
        media={"container": "mp4", "durationSeconds": 12.5},
        runs=[{"number": 1, "tries": [_try(1, "job-1"), _try(2, "job-2")]}],
    )
    corner.replace_status(corner.create(conversion()) | {"status": told})
    head, line = corner.kubectl("get", "vc", "--output=wide").splitlines()
    assert head.split()[:7] == [
        "NAME", "STATUS", "PROGRESS", "FORMAT", "DURATION", "AGE", "OWNER",
    ]  # fmt: skip
    for word in ("Converting", "42", "mp3", "12.5", "Ann", "clip.mp4", "job-2", "It waits."):
        assert word in line


def _try(number: int, job: str) -> Body:
    return {"number": number, "job": job, "startedAt": "2026-01-01T00:00:00Z"}
