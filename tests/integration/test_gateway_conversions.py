"""What an owner does with conversions: find, change, retry and delete them, expired or not."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.gateways import VIDEO, Client, Stage

AUDIO = b"ID3\x04" + bytes(range(256)) * 4
CONVERSIONS = "/v1/conversions"


def _names(client: Client, **parameters: str) -> list[str]:
    answer = client.ask("GET", CONVERSIONS, params=parameters)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def _done(client: Client, stage: Stage, reason: str = "Succeeded", **words: str) -> dict[str, Any]:
    made: dict[str, Any] = client.upload(**words).json()
    stage.finish(made["id"], reason, AUDIO if reason == "Succeeded" else None)
    return made


def _expired(
    client: Client, stage: Stage, reason: str = "Succeeded", **words: str
) -> dict[str, Any]:
    made = _done(client, stage, reason, **words)
    stage.claim(made["id"])
    stage.archive(made["id"])
    return made


def test_what_has_expired_is_found_listed_and_downloaded(ann: Client, bob: Client, stage: Stage):
    made = _expired(ann, stage)
    path = f"{CONVERSIONS}/{made['id']}"
    shown = ann.ask("GET", path)
    assert shown.status_code == 200
    assert shown.json()["state"] == "succeeded"
    assert shown.json()["archivedAt"]
    assert _names(ann) == [made["id"]]
    assert ann.ask("GET", f"{path}/result").content == AUDIO
    assert ann.ask("GET", f"{path}/source").content == VIDEO
    assert ann.ask("GET", f"/download?fid={made['fileId']}").content == AUDIO
    assert _names(bob) == []
    for suffix in ("", "/result", "/source"):
        assert bob.ask("GET", path + suffix).status_code == 404


def test_an_entry_whose_object_stands_still_is_listed_once(ann: Client, stage: Stage):
    made = _done(ann, stage)
    body = stage.kube.get("videoconversion", made["id"])
    assert body is not None
    stage.put_into_archive(body)
    assert _names(ann) == [made["id"]]
    assert "archivedAt" not in ann.ask("GET", f"{CONVERSIONS}/{made['id']}").json()


def test_the_filters_hold_for_both_places(ann: Client, stage: Stage):
    old = _expired(ann, stage, filename="Old talk.mov", format="flac")["id"]
    broken = _expired(ann, stage, "NoAudioTrack", filename="broken.mp4")["id"]
    new = _done(ann, stage, filename="new talk.mp4")["id"]
    waiting = ann.upload(filename="waiting.mp4", format="opus").json()
    for parameters, expected in [
        ({"state": "succeeded"}, {old, new}),
        ({"state": "failed"}, {broken}),
        ({"state": "queued,failed"}, {broken, waiting["id"]}),
        ({"state": "running"}, set()),
        ({"format": "flac"}, {old}),
        ({"format": "flac,opus"}, {old, waiting["id"]}),
        ({"q": "TALK"}, {old, new}),
        ({"q": ".*"}, set()),
        ({"fileId": waiting["fileId"]}, {waiting["id"]}),
        ({"createdAfter": "2999-01-01T00:00:00Z"}, set()),
        ({"createdBefore": "2999-01-01T00:00:00Z"}, {old, broken, new, waiting["id"]}),
        ({"finishedBefore": "2026-01-02T03:04:06Z"}, {old, broken, new}),
        ({"finishedAfter": "2026-01-02T03:04:06Z"}, set()),
        ({"batch": "none"}, set()),
    ]:
        assert set(_names(ann, **parameters)) == expected, parameters
    for parameters in ({"state": "odd"}, {"sort": "size"}, {"createdAfter": "noon"}, {"x": "y"}):
        assert ann.ask("GET", CONVERSIONS, params=parameters).status_code == 400
    never = {"createdAfter": "2026-02-30T00:00:00Z"}
    assert ann.ask("GET", CONVERSIONS, params=never).status_code == 422


def test_pages_go_through_both_places_in_one_order(ann: Client, stage: Stage):
    names = [f"{letter}.mp4" for letter in "dbeac"]
    for number, name in enumerate(names):
        (_expired if number % 2 else _done)(ann, stage, filename=name)
    for sort, expected in [("filename", sorted(names)), ("-filename", sorted(names)[::-1])]:
        seen, cursor = [], ""
        while True:
            parameters = {"limit": "2", "sort": sort} | ({"cursor": cursor} if cursor else {})
            page = ann.ask("GET", CONVERSIONS, params=parameters).json()
            seen += [item["source"]["filename"] for item in page["items"]]
            if not (cursor := page["nextCursor"]):
                break
        assert seen == expected
    assert ann.ask("GET", CONVERSIONS, params={"cursor": "e30"}).status_code == 422


def test_deleting_what_has_expired_leaves_nothing(ann: Client, stage: Stage):
    made = _expired(ann, stage)
    path = f"{CONVERSIONS}/{made['id']}"
    assert ann.ask("DELETE", path).status_code == 204
    assert stage.leftovers() == {}
    assert ann.ask("GET", path).status_code == 404
    assert ann.ask("DELETE", path).status_code == 404
    assert _names(ann) == []


def test_a_deletion_while_it_expires_leaves_nothing(ann: Client, stage: Stage):
    """The operator has taken its finalizer off, and has not deleted the object yet."""
    made = _done(ann, stage)
    stage.claim(made["id"])
    body = stage.kube.get("videoconversion", made["id"])
    assert body is not None
    stage.put_into_archive(body)
    stage.kube.patch("videoconversion", made["id"], {"metadata": {"finalizers": None}})
    assert ann.ask("DELETE", f"{CONVERSIONS}/{made['id']}").status_code == 204
    assert stage.leftovers() == {}


def test_what_is_being_deleted_does_not_shine_through_from_the_archive(ann: Client, stage: Stage):
    made = _done(ann, stage)
    body = stage.kube.get("videoconversion", made["id"])
    assert body is not None
    stage.put_into_archive(body)
    stage.kube.delete("videoconversion", made["id"])
    assert ann.ask("GET", f"{CONVERSIONS}/{made['id']}").status_code == 404
    assert _names(ann) == []


def test_deleting_one_of_two_outputs_leaves_the_source_to_the_other(ann: Client, stage: Stage):
    first = _expired(ann, stage)
    order = {"source": {"conversion": first["id"]}, "output": {"format": "flac"}}
    second = ann.ask("POST", CONVERSIONS, json=order).json()
    stage.claim(second["id"])
    assert ann.ask("DELETE", f"{CONVERSIONS}/{first['id']}").status_code == 204
    assert ann.ask("GET", f"{CONVERSIONS}/{second['id']}/source").content == VIDEO


def test_a_change_is_merged_and_guarded_by_its_etag(ann: Client, stage: Stage):
    made = ann.upload().json()
    path = f"{CONVERSIONS}/{made['id']}"
    seen = ann.ask("GET", path).headers["ETag"]
    assert ann.ask("GET", path, headers={"If-None-Match": seen}).status_code == 304
    merge = {"Content-Type": "application/merge-patch+json"}
    body = json.dumps({"priority": 7, "suspend": True, "ttlSecondsAfterFinished": 60})
    changed = ann.ask("PATCH", path, data=body, headers=merge | {"If-Match": seen})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["priority"], changed.json()["suspend"]) == (7, True)
    assert ann.ask("PATCH", path, json={"priority": 8}, headers={"If-Match": seen}).status_code == (
        412
    )
    back = ann.ask("PATCH", path, json={"suspend": None, "ttlSecondsAfterFinished": None}).json()
    assert back["priority"] == 7
    assert not {"suspend", "ttlSecondsAfterFinished"} & back.keys()
    made_by_then = stage.kube.get("videoconversion", made["id"])
    assert made_by_then is not None
    assert "ttlSecondsAfterFinished" not in made_by_then["spec"]


@pytest.mark.parametrize(
    ("patch", "status"),
    [({"priority": 5000}, 422), ({"output": {}}, 422), ({"suspend": "yes"}, 422), ([], 422)],
)
def test_a_change_that_can_not_be_is_refused(ann: Client, patch: Any, status: int):
    made = ann.upload().json()
    answer = ann.ask("PATCH", f"{CONVERSIONS}/{made['id']}", json=patch)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_many_changes_at_once_all_arrive(ann: Client, stage: Stage):
    """Each is tried again when another was quicker, so that none of them is lost."""
    made = ann.upload().json()
    path = f"{CONVERSIONS}/{made['id']}"
    changes = [{"priority": 3}, {"suspend": True}, {"ttlSecondsAfterFinished": 9}]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda change: ann.ask("PATCH", path, json=change), changes))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    shown = ann.ask("GET", path).json()
    assert (shown["priority"], shown["suspend"], shown["ttlSecondsAfterFinished"]) == (3, True, 9)


def test_what_was_cancelled_runs_again_by_retry_only(ann: Client, stage: Stage):
    made = ann.upload().json()
    path = f"{CONVERSIONS}/{made['id']}"
    assert ann.ask("POST", f"{path}/retry").status_code == 409
    assert ann.ask("PATCH", path, json={"cancelled": True}).status_code == 200
    assert ann.ask("PATCH", path, json={"cancelled": False}).status_code == 409
    stage.finish(made["id"], "Cancelled")
    again = ann.ask("POST", f"{path}/retry")
    assert again.status_code == 202, again.text
    assert again.headers["Location"] == path
    body = stage.kube.get("videoconversion", made["id"])
    assert body is not None
    assert (body["spec"]["run"], body["spec"]["cancelled"]) == (2, False)
    assert ann.ask("POST", f"{path}/retry").status_code == 409


def test_what_can_not_run_again_says_why(ann: Client, stage: Stage):
    succeeded = _done(ann, stage)
    assert ann.ask("POST", f"{CONVERSIONS}/{succeeded['id']}/retry").status_code == 409
    assert (
        ann.ask("PATCH", f"{CONVERSIONS}/{succeeded['id']}", json={"cancelled": True}).status_code
        == 409
    )
    expired = _expired(ann, stage, "CorruptMedia")
    answer = ann.ask("POST", f"{CONVERSIONS}/{expired['id']}/retry")
    assert (answer.status_code, answer.json()["type"][-7:]) == (409, "expired")
    failed = _done(ann, stage, "CorruptMedia")
    stage.database["sources.files"].delete_many({})
    assert ann.ask("POST", f"{CONVERSIONS}/{failed['id']}/retry").status_code == 410
    assert ann.ask("GET", f"{CONVERSIONS}/{failed['id']}/source").status_code == 410


def test_an_upload_can_be_fetched_back_in_part(ann: Client):
    made = ann.upload(filename="Käse.mp4").json()
    path = f"{CONVERSIONS}/{made['id']}/source"
    whole = ann.ask("GET", path)
    assert (whole.status_code, whole.content) == (200, VIDEO)
    assert whole.headers["ETag"] == f'"{made["source"]["sha256"]}"'
    assert "filename*=UTF-8''K%C3%A4se.mp4" in whole.headers["Content-Disposition"]
    part = ann.ask("GET", path, headers={"Range": "bytes=-5", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content) == (206, VIDEO[-5:])
    head = ann.ask("HEAD", path)
    assert (head.content, head.headers["Content-Length"]) == (b"", str(len(VIDEO)))
    assert ann.ask("GET", path, headers={"Range": "bytes=99999-"}).status_code == 416


def test_one_upload_becomes_several_conversions(ann: Client, stage: Stage):
    outputs = [{"format": "flac"}, {"format": "mp3", "quality": "V2"}, {"profile": "voice"}]
    answer = ann.ask(
        "POST", CONVERSIONS, data=VIDEO, params={"outputs": json.dumps(outputs), "notify": "false"}
    )
    assert answer.status_code == 202, answer.text
    made = answer.json()
    both = [made, *made["further"]]
    assert made["id"] == f"vc-{made['fileId']}"
    assert [one["output"] for one in both] == outputs
    assert {one["fileId"] for one in both} == {made["fileId"]}
    assert set(_names(ann, fileId=made["fileId"])) == {one["id"] for one in both}
    assert stage.leftovers() == {"sources.files": 1, "sources.chunks": 1}
    for refused in ("[]", "{}", "[{", '[{"bit":1}]', '[{"format":"wav","bitrate":"64k"}]'):
        assert ann.upload(outputs=refused).status_code == 422
    assert ann.upload(outputs="[{}]", format="mp3").status_code == 422


def test_a_further_output_is_made_of_a_source_that_is_there(ann: Client, bob: Client, stage: Stage):
    first = _done(ann, stage)
    for source in ({"conversion": first["id"]}, {"fileId": first["fileId"]}):
        form = "opus" if "conversion" in source else "flac"
        order = {"source": source, "output": {"format": form}, "priority": 3}
        answer = ann.ask("POST", CONVERSIONS, json=order)
        assert answer.status_code == 202, answer.text
        made = answer.json()
        assert (made["fileId"], made["output"]["format"]) == (first["fileId"], form)
        assert made["priority"] == 3
        assert answer.headers["Location"] == f"{CONVERSIONS}/{made['id']}"
        assert ann.ask("POST", CONVERSIONS, json=order).status_code == 409
        reused = ann.ask("POST", CONVERSIONS, json=order, headers={"Prefer": "reuse"})
        assert reused.status_code == 200
        assert reused.headers["Preference-Applied"] == "reuse"
        assert reused.json()["id"] == made["id"]
        assert bob.ask("POST", CONVERSIONS, json=order).status_code == 404
    for order in (
        {"source": {}},
        {"source": {"conversion": first["id"], "fileId": first["fileId"]}},
        {"source": {"fileId": first["fileId"]}, "output": {"format": "mp3", "loud": 3}},
        {"source": {"fileId": first["fileId"]}, "output": {"trim": {"end": 3}}},
        {"source": {"fileId": first["fileId"]}, "output": {"format": "wav", "bitrate": "64k"}},
    ):
        assert ann.ask("POST", CONVERSIONS, json=order).status_code == 422, order


def test_what_failed_and_expired_is_made_anew_in_its_place(ann: Client, stage: Stage):
    made = _done(ann, stage)
    order = {"source": {"conversion": made["id"]}, "output": {"format": "flac"}}
    first = ann.ask("POST", CONVERSIONS, json=order).json()
    stage.finish(first["id"], "CorruptMedia")
    stage.archive(first["id"])
    second = ann.ask("POST", CONVERSIONS, json=order)
    assert (second.status_code, second.json()["id"]) == (202, first["id"])
    stage.finish(first["id"], "Succeeded", AUDIO)
    stage.archive(first["id"])
    assert sorted(_names(ann)) == sorted([made["id"], first["id"]])
    assert ann.ask("GET", f"{CONVERSIONS}/{first['id']}/result").content == AUDIO
    assert ann.ask("DELETE", f"{CONVERSIONS}/{first['id']}").status_code == 204
    assert stage.database["archive"].count_documents({}) == 0


def test_the_same_file_is_found_again_only_when_asked(ann: Client, bob: Client, stage: Stage):
    first = _done(ann, stage)
    assert ann.upload().json()["id"] != first["id"]
    prefer = {"Prefer": "respond-async, reuse"}
    again = ann.ask("POST", CONVERSIONS, data=VIDEO, headers=prefer)
    assert again.status_code == 200, again.text
    assert again.headers["Preference-Applied"] == "reuse"
    assert stage.leftovers()["sources.files"] == 2
    other = ann.ask("POST", CONVERSIONS, data=VIDEO, headers=prefer, params={"format": "flac"})
    assert other.status_code == 202
    assert bob.ask("POST", CONVERSIONS, data=VIDEO, headers=prefer).status_code == 202


def test_the_rules_of_the_cluster_are_the_callers_to_keep(ann: Client, stage: Stage):
    """A rule that only the API server knows is told in its own words, not as an outage."""
    made = _done(ann, stage, "CorruptMedia")
    stage.kube.patch("videoconversion", made["id"], {"spec": {"cancelled": True}})
    batch = ann.ask("POST", "/v1/batches", json={"sources": [{"conversion": made["id"]}]}).json()
    path = f"/v1/batches/{batch['id']}"
    assert ann.ask("PATCH", path, json={"cancelled": True}).json()["cancelled"] is True
    answer = ann.ask("PATCH", path, json={"cancelled": False})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("Spec.cancelled cannot be taken back")
