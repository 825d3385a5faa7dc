"""The REST interface, version 1."""

from pathlib import Path

import pytest
from tests import media
from tests.gateways import VIDEO, Client, Stage

AUDIO = b"ID3\x04" + bytes(range(256)) * 4


def test_a_bare_file_is_taken_with_parameters_in_the_url(ann: Client, stage: Stage):
    answer = ann.upload(filename="C:\\films\\talk.mov", quality="V2", notify="false")
    assert answer.status_code == 202
    body = answer.json()
    assert answer.headers["Location"] == f"/v1/conversions/{body['id']}"
    assert body["source"]["filename"] == "talk.mov"
    assert body["output"] == {"format": "mp3", "quality": "V2"}
    assert body["notify"] == {"email": False}
    assert body["state"] == "queued"
    made = stage.kube.get("videoconversion", body["id"])
    assert made is not None
    assert made["spec"]["notify"] == {"email": False}


def test_what_the_index_says_of_the_audio_is_told_to_the_operator(
    ann: Client, stage: Stage, tmp_path: Path
):
    clip = media.make_heavy(tmp_path / "clip.mp4")
    source = ann.ask("POST", "/v1/conversions", data=clip.read_bytes()).json()["source"]
    assert source["durationSeconds"] == pytest.approx(6, abs=0.1)
    assert 0 < source["audioBytes"] < clip.stat().st_size
    made = stage.kube.get("videoconversion", f"vc-{source['fileId']}")
    assert made is not None
    assert made["spec"]["source"]["audioBytes"] == source["audioBytes"]


def test_nothing_is_told_of_an_index_that_is_odd(ann: Client):
    source = ann.upload(filename="talk.mp4").json()["source"]
    assert not {"audioBytes", "durationSeconds"} & source.keys()


def test_a_bare_file_may_be_named_by_its_disposition(ann: Client):
    name = "attachment; filename*=UTF-8''K%C3%A4se.mkv"
    headers = {"Content-Disposition": name}
    answer = ann.ask("POST", "/v1/conversions", data=VIDEO, headers=headers)
    assert answer.json()["source"]["filename"] == "Käse.mkv"


def test_a_form_is_taken_with_fields_before_and_after_the_file(ann: Client):
    files = [("notify", (None, "true")), ("file", ("a.mp4", VIDEO)), ("bitrate", (None, "320k"))]
    answer = ann.ask("POST", "/v1/conversions", files=files)
    assert answer.status_code == 202
    assert answer.json()["output"] == {"format": "mp3", "bitrate": "320k"}


def test_a_conversion_is_found_by_its_name_and_by_its_files_id(ann: Client):
    made = ann.upload().json()
    for text in (made["id"], made["fileId"]):
        answer = ann.ask("GET", f"/v1/conversions/{text}")
        assert answer.status_code == 200
        assert answer.json()["id"] == made["id"]


def test_a_list_is_the_callers_own_newest_first_in_pages(ann: Client, bob: Client):
    names = [ann.upload().json()["id"] for _ in range(5)]
    other = bob.upload().json()["id"]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        parameters = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = ann.ask("GET", "/v1/conversions", params=parameters).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["nextCursor"]
    assert sorted(seen) == sorted(names)
    assert seen == sorted(seen, reverse=True)
    assert [c["id"] for c in bob.ask("GET", "/v1/conversions").json()["items"]] == [other]


def test_a_page_that_can_not_be_is_refused(ann: Client):
    for parameters, status in (
        ({"limit": "0"}, 400),
        ({"limit": "101"}, 400),
        ({"cursor": "?"}, 422),
    ):
        assert ann.ask("GET", "/v1/conversions", params=parameters).status_code == status


def test_for_anybody_else_a_conversion_does_not_exist(ann: Client, bob: Client, stage: Stage):
    made = ann.upload().json()
    stage.finish(made["id"], "Succeeded", AUDIO)
    for method, suffix in [("GET", ""), ("GET", "/result"), ("DELETE", "")]:
        answer = bob.ask(method, f"/v1/conversions/{made['id']}{suffix}")
        assert answer.status_code == 404
        unknown = bob.ask(method, f"/v1/conversions/{'f' * 24}{suffix}")
        ours, theirs = answer.json(), unknown.json()
        assert ours | {"requestId": ""} == theirs | {"requestId": ""}
    assert ann.ask("GET", f"/v1/conversions/{made['id']}").status_code == 200


def test_an_id_that_can_not_be_is_not_found(ann: Client):
    long, short = "a" * 999, "a" * 23
    for text in ("x", "vc-", "A" * 24, short, long, "%00", "..", f"vc-{short}a-1", "%F0%9F%8E%B5"):
        for method, suffix in [("GET", ""), ("GET", "/result"), ("DELETE", "")]:
            answer = ann.ask(method, f"/v1/conversions/{text}{suffix}")
            assert answer.status_code == 404
        assert ann.ask("GET", f"/download?fid={text}").status_code == 404


def test_a_result_comes_whole_in_part_and_as_a_head(ann: Client, stage: Stage):
    made = ann.upload().json()
    path = f"/v1/conversions/{made['id']}/result"
    unfinished = ann.ask("GET", path)
    assert unfinished.status_code == 409
    assert unfinished.headers["Retry-After"]
    stage.finish(made["id"], "Succeeded", AUDIO)
    whole = ann.ask("GET", path)
    assert (whole.status_code, whole.content) == (200, AUDIO)
    assert whole.headers["ETag"] == '"' + "ab" * 32 + '"'
    head = ann.ask("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(AUDIO))
    part = ann.ask("GET", path, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, AUDIO[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(AUDIO)}"
    assert ann.ask("GET", path, headers={"Range": "bytes=9999-"}).status_code == 416
    known = ann.ask("GET", path, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    shown = ann.ask("GET", f"/v1/conversions/{made['id']}").json()
    assert (shown["state"], shown["links"]["result"]) == ("succeeded", path)


def test_a_result_that_will_never_be_tells_why(ann: Client, stage: Stage):
    made = ann.upload().json()
    stage.finish(made["id"], "CorruptMedia")
    answer = ann.ask("GET", f"/v1/conversions/{made['id']}/result")
    assert (answer.status_code, answer.json()["reason"]) == (409, "CorruptMedia")


def test_a_result_past_its_retention_is_gone_and_the_conversion_is_not(ann: Client, stage: Stage):
    made = ann.upload().json()
    path = f"/v1/conversions/{made['id']}"
    stage.finish(made["id"], "Succeeded", AUDIO)
    stage.database["results.files"].delete_many({})
    stage.database["results.chunks"].delete_many({})
    for result in (f"{path}/result", f"/download?fid={made['fileId']}"):
        answer = ann.ask("GET", result)
        assert answer.status_code == 410
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"].endswith("result-gone")
    assert ann.ask("GET", path).json()["state"] == "succeeded"


def test_what_was_deleted_is_gone_at_once_and_can_not_be_deleted_twice(ann: Client, stage: Stage):
    made = ann.upload().json()
    path = f"/v1/conversions/{made['id']}"
    assert ann.ask("DELETE", path).status_code == 204
    assert ann.ask("DELETE", path).status_code == 404
    assert ann.ask("GET", path).status_code == 404
    assert ann.ask("GET", "/v1/conversions").json()["items"] == []
    held = stage.kube.get("videoconversion", made["id"])
    assert held is not None
    assert held["metadata"]["deletionTimestamp"]
