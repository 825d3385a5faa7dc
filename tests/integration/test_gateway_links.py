"""Links to audio that need no token."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from tests.gateways import Client, Gateway, Stage
from tests.waiting import wait_until

AUDIO = b"ID3\x04" + bytes(range(256)) * 4
SIZE = len(AUDIO)


@pytest.fixture
def path(ann: Client, stage: Stage) -> str:
    """A conversion that has succeeded."""
    made = ann.upload().json()
    stage.claim(made["id"])
    stage.finish(made["id"], "Succeeded", AUDIO)
    return f"/v1/conversions/{made['id']}"


def _make(ann: Client, path: str, **order: Any) -> dict[str, Any]:
    answer = ann.ask("POST", f"{path}/links", json=order)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _follow(gateway: Gateway, link: dict[str, Any], method: str = "GET", **headers: str) -> Any:
    return requests.request(method, gateway.url + link["url"], headers=headers, timeout=30)


def test_whoever_has_a_link_gets_the_audio_and_nothing_else(
    ann: Client, gateway: Gateway, path: str
):
    link = _make(ann, path, expiresIn=3600)
    answer = _follow(gateway, link)
    assert (answer.status_code, answer.content) == (200, AUDIO)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    part = _follow(gateway, link, Range="bytes=1-2")
    assert (part.status_code, part.content) == (206, AUDIO[1:3])
    token = link["url"].rpartition("/")[2]
    for headers in ({"Authorization": f"Bearer {token}"}, {}):
        for method, other in [("GET", path), ("GET", f"{path}/source"), ("DELETE", path)]:
            answer = requests.request(method, gateway.url + other, headers=headers, timeout=30)
            assert answer.status_code == 401
    for url in ("/l/", f"{link['url']}/result", f"{link['url']}x", "/l/" + "a" * 43):
        assert requests.get(gateway.url + url, timeout=30).status_code == 404
    assert _follow(gateway, link, "DELETE").status_code == 405


def test_a_links_secret_is_nowhere_but_with_its_maker(
    ann: Client, gateway: Gateway, stage: Stage, path: str
):
    link = _make(ann, path)
    token = link["url"].rpartition("/")[2]
    _follow(gateway, link)
    _follow(gateway, link, "DELETE")
    for url in (f"{link['url']}/", f"{link['url']}/more"):
        requests.get(gateway.url + url, timeout=30)
    listed = ann.ask("GET", f"{path}/links").json()["items"]
    assert [one["id"] for one in listed] == [link["id"]]
    assert "url" not in listed[0]
    everything = [str(list(stage.database[c].find())) for c in ("links", "requests")]
    assert token not in "".join(everything)
    wait_until(lambda: gateway.log().count("/l/<path:secret>") >= 4, "the access log is written")
    assert token not in gateway.log()


def test_a_counted_link_makes_no_copy_too_many(ann: Client, gateway: Gateway, path: str):
    link = _make(ann, path, maxDownloads=2)
    assert _follow(gateway, link, "HEAD").headers["Content-Length"] == str(SIZE)
    assert _follow(gateway, link).status_code == 200
    half = f"bytes=0-{SIZE // 2 - 1}"
    assert _follow(gateway, link, Range=half).status_code == 206
    rest = _follow(gateway, link, Range=f"bytes={SIZE // 2}-")
    assert rest.status_code == 206
    [listed] = ann.ask("GET", f"{path}/links").json()["items"]
    assert (listed["downloads"], listed["maxDownloads"]) == (2, 2)
    refused = _follow(gateway, link)
    assert refused.status_code == 410
    assert refused.json()["type"].endswith("link-used-up")
    assert _follow(gateway, link, "HEAD").status_code == 200
    known = _follow(gateway, link, **{"If-None-Match": rest.headers["ETag"]})
    assert known.status_code == 304


def test_of_many_downloads_at_once_no_more_than_allowed_succeed(
    ann: Client, gateway: Gateway, path: str
):
    link = _make(ann, path, maxDownloads=3)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _follow(gateway, link).status_code, range(8)))
    assert sorted(answers) == [200] * 3 + [410] * 5


def test_a_download_that_broke_off_does_not_count_for_what_was_not_sent(
    ann: Client, gateway: Gateway, stage: Stage
):
    audio = bytes(32 * 1024 * 1024)
    made = ann.upload().json()
    stage.finish(made["id"], "Succeeded", audio)
    path = f"/v1/conversions/{made['id']}"
    link = _make(ann, path, maxDownloads=1)

    def is_given_back() -> bool:
        [document] = stage.database["links"].find()
        left: int = document["bytesLeft"]
        return left > len(audio)

    for _ in range(3):
        with requests.get(gateway.url + link["url"], stream=True, timeout=30) as broken:
            assert broken.raw.read(10) == audio[:10]
        wait_until(is_given_back, "what was not sent is given back")
    assert len(_follow(gateway, link).content) == len(audio)
    assert _follow(gateway, link).status_code == 410


def test_a_link_ends_by_time_by_hand_and_with_its_conversion(
    ann: Client, gateway: Gateway, stage: Stage, path: str
):
    short, revoked, last = (_make(ann, path, expiresIn=s) for s in (1, 3600, 3600))
    assert ann.ask("DELETE", f"{path}/links/{revoked['id']}").status_code == 204
    assert ann.ask("DELETE", f"{path}/links/{revoked['id']}").status_code == 404
    assert _follow(gateway, revoked).status_code == 404
    wait_until(lambda: _follow(gateway, short).status_code == 404, "the time is up")
    assert [one["id"] for one in ann.ask("GET", f"{path}/links").json()["items"]] == [last["id"]]
    stage.archive(path.rpartition("/")[2])
    assert _follow(gateway, last).content == AUDIO
    assert ann.ask("DELETE", path).status_code == 204
    assert _follow(gateway, last).status_code == 404
    assert stage.leftovers() == {}


def test_a_link_that_is_asked_for_twice_is_one_with_two_secrets(
    ann: Client, gateway: Gateway, path: str
):
    key = {"Idempotency-Key": "once"}
    first, again = (
        ann.ask("POST", f"{path}/links", json={"maxDownloads": 1}, headers=key).json()
        for _ in range(2)
    )
    assert first["id"] == again["id"], again
    assert first["url"] != again["url"]
    assert _follow(gateway, first).status_code == 200
    assert _follow(gateway, again).status_code == 410


def test_what_has_no_audio_gets_no_link(ann: Client, path: str):
    made = ann.upload().json()
    answer = ann.ask("POST", f"/v1/conversions/{made['id']}/links", json={})
    assert answer.status_code == 409
    for order in ({"expiresIn": 0}, {"expiresIn": 9_999_999}, {"maxDownloads": 0}, {"x": 1}):
        assert ann.ask("POST", f"{path}/links", json=order).status_code == 422
