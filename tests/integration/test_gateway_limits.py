"""Rate limits and quotas, with two gateways over one database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from tests.containers import Server
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until


def ask(gateway: Gateway, stage: Stage, user: str, method: str, path: str, **options: Any) -> Any:
    headers = stage.header(user) | options.pop("headers", {})
    return requests.request(method, gateway.url + path, headers=headers, timeout=60, **options)


def upload(gateway: Gateway, stage: Stage, user: str, data: Any = VIDEO) -> Any:
    return ask(gateway, stage, user, "POST", "/v1/conversions", data=data)


def missing(gateway: Gateway) -> tuple[int, list[str]]:
    health = requests.get(f"{gateway.url}/health", timeout=30)
    return health.status_code, list(health.json().get("missing", ()))


def pieces(size: int) -> Iterator[bytes]:
    """A body whose length is told by nobody."""
    yield VIDEO
    for _ in range((size - len(VIDEO)) // 65536 + 1):
        yield bytes(65536)


@pytest.fixture
def pair(stage: Stage, request: pytest.FixtureRequest) -> Iterator[list[Gateway]]:
    """Two gateways with the settings that the test names."""
    with ExitStack() as stack:
        yield [stack.enter_context(stage.run_gateway(**request.param)) for _ in range(2)]


def settings(**changes: str) -> Any:
    return pytest.mark.parametrize("pair", [changes], indirect=True)


@settings(RATE_LIMITS='{"user": "6/minute"}')
def test_two_gateways_count_a_user_together_and_tell_what_is_left(
    pair: list[Gateway], stage: Stage
):
    left = []
    for n in range(6):
        answer = ask(pair[n % 2], stage, "ann", "GET", "/v1/conversions")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == '"user-60";q=6;w=60'
        assert answer.headers["RateLimit-Limit"] == "6"
        left.append(int(answer.headers["RateLimit-Remaining"]))
    assert left == [5, 4, 3, 2, 1, 0]
    for gateway in pair:
        answer = ask(gateway, stage, "ann", "GET", "/v1/conversions")
        assert (answer.status_code, answer.json()["scope"]) == (429, "user")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert 0 < int(answer.headers["Retry-After"]) <= 120
        assert answer.headers["RateLimit"].startswith('"user-60";r=0;t=')
        assert ask(gateway, stage, "bob", "GET", "/v1/conversions").status_code == 200
        url = f"{gateway.url}/health"
        wait_until(lambda url=url: requests.get(url, timeout=30).ok, "health is not counted")


@settings(RATE_LIMIT_ADDRESS="3/minute", RATE_LIMIT_LOGIN="2/minute", TRUSTED_PROXIES="1")
def test_who_brings_no_good_token_is_counted_by_address(pair: list[Gateway], stage: Stage):
    def look(address: str, **headers: str) -> int:
        headers["X-Forwarded-For"] = f"192.0.2.9, {address}"
        url = f"{pair[0].url}/v1/conversions"
        return requests.get(url, headers=headers, timeout=30).status_code

    assert [look("198.51.100.1") for _ in range(4)] == [401, 401, 401, 429]
    assert look("198.51.100.2", Authorization="Bearer x.y.z") == 401
    assert look("198.51.100.1", **stage.header("ann")) == 200
    logins = [
        requests.post(
            f"{gateway.url}/login",
            auth=("ann", "wrong"),
            headers={"X-Forwarded-For": "198.51.100.3"},
            timeout=30,
        )
        for gateway in (*pair, pair[0])
    ]
    assert [answer.status_code for answer in logins] == [401, 401, 429]
    assert logins[-1].json()["scope"] == "login"


@settings(RATE_LIMIT_ADDRESS="2/minute")
def test_without_a_trusted_proxy_nobody_says_from_where_they_come(pair: list[Gateway]):
    statuses = [
        requests.get(
            f"{pair[0].url}/v1/conversions",
            headers={"X-Forwarded-For": f"198.51.100.{n}"},
            timeout=30,
        ).status_code
        for n in range(3)
    ]
    assert statuses == [401, 401, 429]


@settings(
    RATE_LIMITS='{"user": "100/minute"}',
    RATE_LIMIT_LOGIN="3/day",
    RATE_LIMIT_PATIENCE_SECONDS="0.5",
)
def test_while_mongodb_is_away_each_gateway_counts_alone_and_quickly(
    pair: list[Gateway], stage: Stage, mongo_server: Server
):
    assert ask(pair[0], stage, "ann", "GET", "/v1/conversions").status_code == 200
    mongo_server.pause()
    try:
        answers = [
            requests.post(f"{pair[0].url}/login", auth=("ann", "right"), timeout=20)
            for _ in range(4)
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        refused = requests.post(
            f"{pair[0].url}/v1/conversions", data=VIDEO, headers=stage.header("ann"), timeout=60
        )
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
        wait_until(lambda: missing(pair[0]) == (503, ["mongodb"]), "only MongoDB is missing")
    finally:
        mongo_server.unpause()
    wait_until(lambda: upload(pair[0], stage, "ann").status_code == 202, "it goes on")


@settings(QUOTAS='{"user": {"bytes": 60000}}')
def test_of_many_uploads_at_once_only_those_get_through_for_which_there_is_room(
    pair: list[Gateway], stage: Stage
):
    for gateway in pair:  # who has the keys of tokens keeps nobody waiting for them
        assert ask(gateway, stage, "bob", "GET", "/v1/conversions").ok
    start = threading.Barrier(12)

    def go(n: int) -> Any:
        start.wait(60)
        return upload(pair[n % 2], stage, "ann", pieces(len(VIDEO)) if n % 3 == 0 else VIDEO)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(go, range(12)))
    taken = [answer for answer in answers if answer.status_code == 202]
    stored = sum(file["length"] for file in stage.database["sources.files"].find())
    assert 1 <= len(taken) <= 60000 // len(VIDEO)
    assert stored <= 60000
    refused = [answer for answer in answers if answer.status_code != 202]
    assert {answer.status_code for answer in refused} == {403}
    problem = refused[0].json()
    assert problem["type"].endswith("/quota-exceeded")
    assert (problem["quota"], problem["limit"]) == ("bytes", 60000)
    assert stage.database["accounts"].find_one({"_id": "ann"})["holds"] == []  # type: ignore[index]
    assert stage.leftovers().get("intents", 0) == 0
    assert stage.leftovers()["sources.files"] == len(taken)


@settings(QUOTAS='{"user": {"bytes": 200000, "uploadBytes": 150000}}')
def test_a_file_of_unknown_length_is_refused_when_it_has_become_too_long(
    pair: list[Gateway], stage: Stage
):
    single = upload(pair[0], stage, "ann", pieces(900_000))
    assert (single.status_code, single.json()["quota"]) == (413, "uploadBytes")
    first = upload(pair[0], stage, "ann", pieces(100_000))
    assert first.status_code == 202
    second = upload(pair[1], stage, "ann", pieces(100_000))
    assert (second.status_code, second.json()["quota"]) == (403, "bytes")
    assert stage.leftovers()["sources.files"] == 1
    assert stage.leftovers().get("intents", 0) == 0


@settings(QUOTAS='{"user": {"conversionsPerDay": 2, "concurrent": 3}}')
def test_deleting_gives_no_conversion_of_the_day_back(pair: list[Gateway], stage: Stage):
    for gateway in pair:
        made = upload(gateway, stage, "ann").json()
        assert ask(gateway, stage, "ann", "DELETE", made["links"]["self"]).status_code == 204
    answer = upload(pair[0], stage, "ann")
    assert (answer.status_code, answer.json()["quota"]) == (429, "conversionsPerDay")
    assert answer.json()["resetsAt"].endswith("T00:00:00Z")
    assert 0 < int(answer.headers["Retry-After"]) <= 86400
    assert upload(pair[0], stage, "bob").status_code == 202


@settings(QUOTAS='{"user": {"concurrent": 1}}')
def test_one_finished_makes_room_for_the_next(pair: list[Gateway], stage: Stage):
    made = upload(pair[0], stage, "ann").json()
    answer = upload(pair[1], stage, "ann")
    assert (answer.status_code, answer.json()["quota"]) == (429, "concurrent")
    assert answer.headers["Retry-After"]
    stage.finish(made["id"], "Succeeded", b"audio")
    assert upload(pair[1], stage, "ann").status_code == 202


@settings(QUOTAS='{"user": {"mediaMinutesPerDay": 1}}')
def test_minutes_of_media_count_as_soon_as_they_are_known(pair: list[Gateway], stage: Stage):
    made = upload(pair[0], stage, "ann").json()
    stage.finish(made["id"], "Succeeded", b"audio")
    results = stage.database["results.files"]
    told = {"metadata.conversion": made["id"], "metadata.durationSeconds": 61.0}
    results.update_one({}, {"$set": told})
    answer = upload(pair[1], stage, "ann")
    assert (answer.status_code, answer.json()["quota"]) == (429, "mediaMinutesPerDay")


@settings(QUOTAS='{"user": {"conversionsPerDay": 1}}')
def test_a_refused_upload_uses_nothing_up(pair: list[Gateway], stage: Stage):
    for wrong in (b"This is no video. " * 1000, b""):
        assert upload(pair[0], stage, "ann", wrong).status_code in {415, 422}
    assert upload(pair[0], stage, "ann").status_code == 202
