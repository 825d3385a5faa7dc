"""What administrators can do, and nobody else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until

from soundstrip_storage.connection import connect
from soundstrip_storage.setup import roles, set_up_collections, set_up_user

ROUTES = [
    ("GET", "/v1/admin/quotas/ann"),
    ("PUT", "/v1/admin/quotas/ann"),
    ("DELETE", "/v1/admin/quotas/ann"),
    ("GET", "/v1/admin/conversions"),
    ("GET", f"/v1/admin/conversions/{'a' * 24}"),
    ("DELETE", f"/v1/admin/conversions/{'a' * 24}"),
    ("POST", f"/v1/admin/conversions/{'a' * 24}/cancel"),
    ("GET", "/v1/admin/intake"),
    ("PUT", "/v1/admin/intake"),
    ("GET", "/v1/admin/storage"),
    ("GET", "/v1/admin/sweep"),
    ("POST", "/v1/admin/sweep"),
    ("GET", "/v1/admin/audit"),
]


class Person:
    """Somebody with a token."""

    def __init__(self, gateway: Gateway, stage: Stage, name: str, *, admin: bool = False) -> None:
        token = stage.auth.token(name, admin=admin)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._url = gateway.url

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        return requests.request(
            method, self._url + path, headers=self._headers, timeout=30, **options
        )


@pytest.fixture(scope="module")
def shared_gateway(shared_stage: Stage, mongo_uri: str) -> Iterator[Gateway]:
    """A gateway with no more rights in MongoDB than it has in a cluster."""
    database = connect(mongo_uri, shared_stage.database.name, application="tests")
    set_up_collections(database)
    [role] = [role for role in roles() if role.name == "gateway"]
    set_up_user(database, role, "secret")
    where = mongo_uri.partition("@")[2].partition("/")[0]
    uri = f"mongodb://gateway:secret@{where}/?authSource={database.name}"
    quotas = '{"user": {"conversionsPerDay": 1}}'
    with shared_stage.run_gateway(MONGO_URI=uri, QUOTAS=quotas) as gateway:
        yield gateway


@pytest.fixture
def root(gateway: Gateway, stage: Stage) -> Person:
    return Person(gateway, stage, "root", admin=True)


@pytest.fixture
def ann(gateway: Gateway, stage: Stage) -> Person:
    return Person(gateway, stage, "ann")


def test_nobody_else_can(ann: Person, gateway: Gateway, stage: Stage):
    for method, path in ROUTES:
        answer = ann.ask(method, path, json={})
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
            403,
            "insufficient-scope",
        )
        assert requests.request(method, gateway.url + path, timeout=30).status_code == 401
    assert stage.database["audit"].count_documents({}) == 0
    assert stage.database["rateWindows"].count_documents({}) == 2


def test_an_exception_holds_for_one_user_until_it_is_taken_back(
    root: Person, ann: Person, gateway: Gateway, stage: Stage
):
    assert ann.ask("POST", "/v1/conversions", data=VIDEO).status_code == 202
    assert ann.ask("POST", "/v1/conversions", data=VIDEO).status_code == 429
    put = root.ask("PUT", "/v1/admin/quotas/ann", json={"conversionsPerDay": None, "bytes": 10**9})
    assert put.status_code == 200
    assert put.json()["quota"] == {
        "bytes": 10**9,
        "conversionsPerDay": None,
        "mediaMinutesPerDay": None,
        "concurrent": None,
        "uploadBytes": None,
    }
    assert ann.ask("POST", "/v1/conversions", data=VIDEO).status_code == 202
    told = root.ask("GET", "/v1/admin/quotas/ann").json()
    assert (told["usage"]["bytes"], told["usage"]["conversionsPerDay"]) == (2 * len(VIDEO), 2)
    assert told["exception"] == {"bytes": 10**9, "conversionsPerDay": None}
    bob = Person(gateway, stage, "bob")
    assert bob.ask("POST", "/v1/conversions", data=VIDEO).status_code == 202
    assert bob.ask("POST", "/v1/conversions", data=VIDEO).status_code == 429
    assert root.ask("DELETE", "/v1/admin/quotas/ann").status_code == 204
    assert root.ask("DELETE", "/v1/admin/quotas/ann").status_code == 404
    assert ann.ask("POST", "/v1/conversions", data=VIDEO).status_code == 429


def test_a_quota_that_is_none_is_refused(root: Person):
    for wrong in ({"bytes": -1}, {"conversions": 1}, {"bytes": "many"}):
        assert root.ask("PUT", "/v1/admin/quotas/ann", json=wrong).status_code == 422
    for nobody in ("x" * 64, "ann, bob", "-"):
        assert root.ask("PUT", f"/v1/admin/quotas/{nobody}", json={}).status_code == 404
        query = {"owner": nobody}
        assert root.ask("GET", "/v1/admin/conversions", params=query).status_code == 400


def test_a_paused_intake_takes_nothing_in_on_any_replica_and_serves_all_else(
    root: Person, ann: Person, gateway: Gateway, stage: Stage
):
    made = ann.ask("POST", "/v1/conversions", data=VIDEO).json()
    stage.finish(made["id"], "Succeeded", b"audio")
    wish = {"paused": True, "reason": "a new disk"}
    assert root.ask("PUT", "/v1/admin/intake", json=wish).json()["by"] == "root"
    with stage.run_gateway() as other:
        for url in (gateway.url, other.url):
            for path in ("/v1/conversions", "/upload"):
                answer = requests.post(
                    url + path,
                    files={"file": ("a.mp4", VIDEO)},
                    headers=stage.header("bob"),
                    timeout=30,
                )
                assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
                assert answer.json()["type"].endswith("/intake-paused")
                assert "a new disk" in answer.json()["detail"]
        assert ann.ask("GET", f"{made['links']['self']}/result").content == b"audio"
        wait_until(lambda: requests.get(f"{gateway.url}/health", timeout=30).ok, "it is healthy")
        assert root.ask("PUT", "/v1/admin/intake", json={"paused": False}).status_code == 200

        def goes_on() -> bool:
            header = stage.header("bob")
            url = f"{other.url}/v1/conversions"
            answer = requests.post(url, data=VIDEO, headers=header, timeout=30)
            return answer.status_code == 202

        wait_until(goes_on, "the other replica takes uploads in again")


def test_everybody_s_conversions_are_listed_cancelled_and_deleted(
    root: Person, ann: Person, gateway: Gateway, stage: Stage
):
    hers = ann.ask("POST", "/v1/conversions", data=VIDEO).json()["id"]
    bob = Person(gateway, stage, "bob")
    his = bob.ask("POST", "/v1/conversions", data=VIDEO).json()["id"]

    def names(query: str) -> set[tuple[str, str]]:
        items = root.ask("GET", f"/v1/admin/conversions{query}").json()["items"]
        return {(item["owner"]["id"], item["conversion"]["id"]) for item in items}

    assert names("") == {("ann", hers), ("bob", his)}
    assert names("?owner=bob&state=queued") == {("bob", his)}
    assert names("?state=failed") == set()
    first = root.ask("GET", "/v1/admin/conversions?limit=1").json()
    assert names(f"?limit=1&cursor={first['nextCursor']}") != names("?limit=1")
    assert root.ask("POST", f"/v1/admin/conversions/{hers}/cancel").status_code == 202
    held = stage.kube.get("videoconversion", hers)
    assert held is not None
    assert held["spec"]["cancelled"] is True
    assert root.ask("DELETE", f"/v1/admin/conversions/{his}").status_code == 204
    assert bob.ask("GET", f"/v1/conversions/{his}").status_code == 404
    assert root.ask("POST", f"/v1/admin/conversions/{his}/cancel").status_code == 404
    entries = root.ask("GET", "/v1/admin/audit?limit=2").json()["items"]
    assert [(e["action"], e["detail"]) for e in entries] == [
        ("conversion.delete", {"owner": "bob"}),
        ("conversion.cancel", {"owner": "ann"}),
    ]


def test_the_store_is_told_by_owner_and_a_sweep_can_be_asked_for(root: Person, ann: Person):
    ann.ask("POST", "/v1/conversions", data=VIDEO)
    told = root.ask("GET", "/v1/admin/storage").json()
    assert told["owners"] == [
        {"owner": "ann", "bucket": "sources", "files": 1, "bytes": len(VIDEO)}
    ]
    assert told["disk"]["total"] > told["disk"]["used"] > told["disk"]["database"] > 0
    assert (told["intents"], told["orphans"]) == (0, None)
    assert root.ask("GET", "/v1/admin/sweep").json()["requestedAt"] is None
    asked = root.ask("POST", "/v1/admin/sweep")
    assert (asked.status_code, asked.json()["requestedBy"]) == (202, "root")
    shown = root.ask("GET", asked.headers["Location"]).json()
    assert shown["requestedAt"] is not None
    assert shown["finishedAt"] is None


def test_each_act_is_written_down_and_told_newest_first(root: Person, gateway: Gateway):
    root.ask("PUT", "/v1/admin/intake", json={"paused": True, "reason": "x"})
    root.ask("PUT", "/v1/admin/intake", json={"paused": False})
    root.ask("GET", "/v1/admin/intake")
    newest = root.ask("POST", "/v1/admin/sweep")
    entries = root.ask("GET", "/v1/admin/audit?limit=3").json()["items"]
    assert [entry["action"] for entry in entries] == [
        "sweep.request",
        "intake.resume",
        "intake.pause",
    ]
    assert entries[0]["requestId"] == newest.headers["X-Request-Id"]
    assert {entry["actor"] for entry in entries} == {"root"}
    lines = [json.loads(line) for line in gateway.log().splitlines() if '"audit"' in line]
    assert [line["action"] for line in lines if line["event"] == "audit"] == [
        "intake.pause",
        "intake.resume",
        "sweep.request",
    ]
