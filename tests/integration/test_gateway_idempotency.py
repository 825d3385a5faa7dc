"""A POST with an Idempotency-Key takes effect once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from tests.gateways import VIDEO, Client, Stage

CONVERSIONS = "/v1/conversions"
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def _post(client: Client, body: Any, path: str = CONVERSIONS, **key: str) -> requests.Response:
    return client.ask("POST", path, json=body, headers=KEY | key)


def _count(stage: Stage) -> int:
    return len(stage.kube.list("videoconversions"))


def test_an_upload_sent_twice_is_taken_once(ann: Client, bob: Client, stage: Stage):
    first = ann.ask("POST", CONVERSIONS, data=VIDEO, headers=KEY)
    again = ann.ask("POST", CONVERSIONS, data=VIDEO, headers=KEY)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) != (409, None)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _count(stage) == 1
    for changes in ({"data": VIDEO + b"x"}, {"data": VIDEO, "params": {"format": "flac"}}):
        other = ann.ask("POST", CONVERSIONS, headers=KEY, **changes)
        assert other.status_code == 422, other.text
    assert bob.ask("POST", CONVERSIONS, data=VIDEO, headers=KEY).status_code == 202
    assert _count(stage) == 2


def test_a_form_is_the_same_whatever_its_boundary(ann: Client, stage: Stage):
    answers = [
        ann.ask("POST", CONVERSIONS, files={"file": ("a.mp4", VIDEO)}, headers=KEY)
        for _ in range(2)
    ]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert _count(stage) == 1


def test_what_failed_can_be_sent_again_with_its_key(ann: Client):
    assert ann.ask("POST", CONVERSIONS, data=b"text" * 20, headers=KEY).status_code == 415
    assert ann.ask("POST", CONVERSIONS, data=VIDEO, headers=KEY).status_code == 202


def test_each_route_has_its_own_keys(ann: Client, stage: Stage):
    made = ann.upload().json()
    order = {"source": {"conversion": made["id"]}, "output": {"format": "flac"}}
    batch = {"sources": [{"conversion": made["id"]}], "profiles": ["voice"]}
    for path, body in [(CONVERSIONS, order), ("/v1/batches", batch)]:
        first, again = (_post(ann, body, path) for _ in range(2))
        assert first.status_code == 202, first.text
        assert first.json() == again.json()
    assert _count(stage) == 2
    assert len(stage.kube.list("conversionbatches")) == 1
    assert _post(ann, order | {"priority": 1}).status_code == 422
    stage.finish(made["id"], "CorruptMedia")
    first, again = (_post(ann, None, f"{CONVERSIONS}/{made['id']}/retry") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    body = stage.kube.get("videoconversion", made["id"])
    assert body is not None
    assert body["spec"]["run"] == 2


def test_of_many_at_once_one_takes_effect(ann: Client, stage: Stage):
    made = ann.upload().json()
    order = {"source": {"conversion": made["id"]}, "output": {"format": "flac"}}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: _post(ann, order), range(6)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert all("underway" in a.json()["type"] for a in answers if a.status_code == 409)
    assert _count(stage) == 2


def test_what_a_crashed_gateway_has_begun_is_taken_over_when_its_lease_is_up(
    ann: Client, stage: Stage
):
    """The object stands, its answer was never kept: who asks again gets that object."""
    made = ann.upload().json()
    order = {"source": {"conversion": made["id"]}, "output": {"format": "flac"}}
    first = _post(ann, order).json()
    requests_, lease = stage.database["requests"], datetime.now(UTC) + timedelta(minutes=1)
    begun = {"$unset": {"answer": ""}, "$set": {"leasedUntil": lease}}
    assert requests_.update_many({}, begun).modified_count == 1
    assert _post(ann, order).status_code == 409
    requests_.update_many({}, {"$set": {"leasedUntil": datetime.now(UTC) - timedelta(seconds=1)}})
    again = _post(ann, order)
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert _count(stage) == 2
    assert _post(ann, order).headers["Idempotency-Replayed"] == "true"


def test_a_key_that_is_none_is_refused(ann: Client):
    for key in ("", "a b", "a" * 256):
        answer = ann.ask("POST", CONVERSIONS, data=VIDEO, headers={"Idempotency-Key": key})
        assert answer.status_code == 422


def test_nothing_of_a_key_is_kept_in_plain(ann: Client, stage: Stage):
    _post(ann, {"source": {"fileId": "a" * 24}})
    ann.ask("POST", CONVERSIONS, data=VIDEO, headers=KEY)
    assert KEY["Idempotency-Key"] not in str(list(stage.database["requests"].find()))
