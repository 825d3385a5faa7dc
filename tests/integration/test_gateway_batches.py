"""Batches, profiles, and what a user is told of themselves."""

from typing import Any

import pytest
from tests.gateways import VIDEO, Client, Stage

BATCHES = "/v1/batches"


@pytest.fixture
def uploads(ann: Client) -> list[dict[str, Any]]:
    return [ann.upload(filename=f"{n}.mp4").json() for n in range(2)]


def _make(client: Client, uploads: list[dict[str, Any]], **words: Any) -> Any:
    sources = [{"conversion": uploads[0]["id"]}, {"fileId": uploads[1]["fileId"]}]
    return client.ask("POST", BATCHES, json={"sources": sources, **words})


def test_many_uploads_are_converted_by_one_request(
    ann: Client, bob: Client, stage: Stage, uploads: list[dict[str, Any]]
):
    answer = _make(ann, uploads, profiles=["voice", "high"], parallelism=2, priority=4)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert answer.headers["Location"] == f"{BATCHES}/{made['id']}"
    body = stage.kube.get("conversionbatch", made["id"])
    assert body is not None
    assert [item["fileId"] for item in body["spec"]["items"]] == [u["fileId"] for u in uploads]
    assert body["spec"]["owner"] == {"id": "ann", "name": "ann"}
    shown = ann.ask("GET", f"{BATCHES}/{made['id']}")
    assert shown.json() | {"message": ""} == made | {"message": ""}
    assert (made["state"], made["sources"], made["priority"]) == ("queued", 2, 4)
    assert made["links"]["conversions"] == f"/v1/conversions?batch={made['id']}"
    second = _make(ann, uploads).json()["id"]
    page = ann.ask("GET", BATCHES, params={"limit": "1"}).json()
    rest = ann.ask("GET", BATCHES, params={"cursor": page["nextCursor"]}).json()
    listed = [one["id"] for one in page["items"] + rest["items"]]
    assert sorted(listed) == sorted([made["id"], second])
    assert bob.ask("GET", BATCHES).json()["items"] == []


def test_a_batch_is_changed_cancelled_and_deleted(
    ann: Client, stage: Stage, uploads: list[dict[str, Any]]
):
    made = _make(ann, uploads, parallelism=1).json()
    path = f"{BATCHES}/{made['id']}"
    etag = ann.ask("GET", path).headers["ETag"]
    guarded = {"If-Match": etag}
    changed = ann.ask("PATCH", path, json={"suspend": True, "parallelism": None}, headers=guarded)
    assert changed.status_code == 200, changed.text
    assert changed.json()["suspend"] is True
    assert "parallelism" not in changed.json()
    assert ann.ask("PATCH", path, json={"priority": 1}, headers=guarded).status_code == 412
    assert ann.ask("PATCH", path, json={"profiles": []}).status_code == 422
    assert ann.ask("PATCH", path, json={"cancelled": True}).json()["cancelled"] is True
    assert ann.ask("DELETE", path).status_code == 204
    assert ann.ask("GET", path).status_code == 404
    assert stage.kube.list("conversionbatches") == []


def test_a_batch_of_what_is_not_there_or_not_yours_is_refused(
    ann: Client, bob: Client, stage: Stage, uploads: list[dict[str, Any]]
):
    assert _make(bob, uploads).status_code == 404
    file_id = uploads[0]["fileId"]
    for sources, status in [
        ([], 422),
        ([{}], 422),
        ([{"fileId": file_id}, {"conversion": uploads[0]["id"]}], 422),
        ([{"fileId": file_id}, {"fileId": "a" * 24}], 404),
    ]:
        assert ann.ask("POST", BATCHES, json={"sources": sources}).status_code == status
    assert stage.kube.list("conversionbatches") == []


def test_a_batchs_conversion_leaves_its_pace_to_the_batch(
    ann: Client, stage: Stage, uploads: list[dict[str, Any]]
):
    batch = _make(ann, uploads).json()
    body = stage.kube.get("videoconversion", uploads[0]["id"])
    owner = stage.kube.get("conversionbatch", batch["id"])
    assert body is not None
    assert owner is not None
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": "ConversionBatch",
        "name": batch["id"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    change = {"labels": {"soundstrip.dev/batch": batch["id"]}, "ownerReferences": [reference]}
    stage.kube.patch("videoconversion", uploads[0]["id"], {"metadata": change})
    path = f"/v1/conversions/{uploads[0]['id']}"
    assert ann.ask("PATCH", path, json={"suspend": True}).status_code == 409
    assert ann.ask("PATCH", path, json={"cancelled": True}).status_code == 200
    listed = ann.ask("GET", batch["links"]["conversions"]).json()["items"]
    assert [(one["id"], one["batch"]) for one in listed] == [(uploads[0]["id"], batch["id"])]
    stage.finish(uploads[0]["id"], "Cancelled")
    stage.archive(uploads[0]["id"])
    listed = ann.ask("GET", batch["links"]["conversions"]).json()["items"]
    assert [one["id"] for one in listed] == [uploads[0]["id"]]


def test_profiles_are_the_built_in_ones_and_what_the_administrator_made(ann: Client, stage: Stage):
    there = {one["name"]: one for one in ann.ask("GET", "/v1/profiles").json()["items"]}
    assert set(there) == {"standard", "high", "small", "voice"}
    assert [name for name, one in there.items() if one.get("default")] == ["standard"]
    assert there["voice"] == {
        "name": "voice", "builtIn": True, "format": "mp3", "quality": "V7"
    }  # fmt: skip
    for name, spec in [("high", {"format": "flac"}), ("radio", {"default": True})]:
        stage.kube.create(
            {
                "apiVersion": "soundstrip.dev/v1alpha1",
                "kind": "ConversionProfile",
                "metadata": {"name": name},
                "spec": {"description": "Ours.", **spec},
            }
        )
    high = ann.ask("GET", "/v1/profiles/high").json()
    assert high == {"name": "high", "description": "Ours.", "format": "flac"}
    assert ann.ask("GET", "/v1/profiles/radio").json()["default"] is True
    assert "default" not in ann.ask("GET", "/v1/profiles/standard").json()
    assert ann.ask("GET", "/v1/profiles/none").status_code == 404


def test_one_is_told_who_one_is_and_what_one_has(ann: Client, bob: Client, stage: Stage):
    done, failed = (ann.upload().json()["id"] for _ in range(2))
    stage.finish(done, "Succeeded", b"audio")
    stage.archive(done)
    stage.finish(failed, "CorruptMedia")
    told = ann.ask("GET", "/v1/me").json()
    assert (told["id"], told["name"], told["email"]) == ("ann", "ann", "ann@example.org")
    states = {"queued": 0, "running": 0, "succeeded": 1, "failed": 1, "cancelled": 0}
    assert told["usage"]["conversions"] == states
    assert told["usage"]["sources"] == {"files": 2, "bytes": 2 * len(VIDEO)}
    assert told["usage"]["results"] == {"files": 1, "bytes": len(b"audio")}
    usage = bob.ask("GET", "/v1/me").json()["usage"]
    assert usage["sources"] == usage["results"] == {"files": 0, "bytes": 0}
