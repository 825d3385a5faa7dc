"""No route, id, filter, link, batch or range reaches what is another's.

A route that is new fails here until it is said how it is tried: what stands for its arguments, and
for one without any, how it could be made to tell of somebody else.
"""

import re
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import requests
from tests.gateways import VIDEO, Client, Gateway, Stage
from tests.live import run_replica

from soundstrip_gateway.app import create_app
from soundstrip_gateway.main import GatewaySettings, build_parts

AUDIO = b"ID3\x04" + bytes(range(256)) * 4

Call = tuple[str, str, dict[str, Any]]
"""A method, a path and what else is sent."""

OPEN = {
    ("POST", "/login"),
    ("GET", "/livez"),
    ("GET", "/health"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/v1/profiles"),
    ("GET", "/v1/profiles/<profile_name>"),
    ("GET", "/l/<path:secret>"),
    ("POST", "/v1/session"),
    ("DELETE", "/v1/session"),
}
"""Routes that hold nobody's own; who has a link's secret is meant to get the audio."""

ADMINS = "/v1/admin/"
"""What is below is for administrators, who may see everybody's."""

_TUS = {"Tus-Resumable": "1.0.0"}

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/v1/conversions/<conversion_id>"): {"json": {"priority": 1}},
    ("POST", "/v1/conversions/<conversion_id>/links"): {"json": {}},
    ("PATCH", "/v1/batches/<batch_id>"): {"json": {"priority": 1}},
    ("HEAD", "/v1/uploads/<upload_id>"): {"headers": _TUS},
    ("DELETE", "/v1/uploads/<upload_id>"): {"headers": _TUS},
    ("POST", "/v1/uploads/<upload_id>"): {"headers": _TUS | {"X-HTTP-Method-Override": "HEAD"}},
    ("PATCH", "/v1/uploads/<upload_id>"): {
        "data": b"more",
        "headers": _TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"},
    },
}
"""What is sent along, so that it is the id that is refused, and not the lack of a body."""


class World:
    """What is ann's: of each kind of conversion one, a batch and a link."""

    def __init__(self, ann: Client, stage: Stage) -> None:
        made = [ann.upload(filename="secret.mp4").json() for _ in range(4)]
        for one in made[1:3]:
            stage.claim(one["id"])
            stage.finish(one["id"], "Succeeded", AUDIO)
        stage.finish(made[3]["id"], "CorruptMedia")
        stage.archive(made[2]["id"])
        self.file_ids = [one["fileId"] for one in made]
        self.names = [one["id"] for one in made]
        self.batch = ann.ask("POST", "/v1/batches", json={"sources": self.sources[:1]}).json()["id"]
        begun = ann.ask("POST", "/v1/uploads", headers=_TUS | {"Upload-Length": "1000"})
        self.upload = begun.headers["Location"].rpartition("/")[2]
        self.link = ann.ask("POST", f"/v1/conversions/{self.names[1]}/links", json={}).json()["id"]

    @property
    def sources(self) -> list[dict[str, str]]:
        """Each source by both of its names."""
        by_name = [{"conversion": name} for name in self.names]
        return by_name + [{"fileId": file_id} for file_id in self.file_ids]

    @property
    def arguments(self) -> dict[str, list[str]]:
        """What stands for a route's arguments."""
        ids = [*self.names, *self.file_ids]
        return {
            "conversion_id": ids,
            "batch_id": [self.batch],
            "link_id": [self.link],
            "upload_id": [self.upload, self.file_ids[0]],
        }

    def free_calls(self) -> dict[tuple[str, str], list[Call]]:
        """Return how routes without arguments could be made to tell of what is ann's."""
        lists = [
            {"q": "secret"},
            {"batch": self.batch},
            {"state": "succeeded,failed,queued"},
            *({"fileId": file_id} for file_id in self.file_ids),
        ]
        return {
            ("GET", "/v1/conversions"): [
                ("GET", "/v1/conversions", {"params": words}) for words in ({}, *lists)
            ],
            ("POST", "/v1/conversions"): [
                ("POST", "/v1/conversions", {"json": {"source": source}, "headers": prefer})
                for source in self.sources
                for prefer in ({}, {"Prefer": "reuse"})
            ],
            ("GET", "/download"): [
                ("GET", "/download", {"params": {"fid": file_id}}) for file_id in self.file_ids
            ],
            ("POST", "/upload"): [("POST", "/upload", {"files": {"file": ("a.mp4", VIDEO)}})],
            ("POST", "/v1/batches"): [
                ("POST", "/v1/batches", {"json": {"sources": [source]}}) for source in self.sources
            ],
            ("GET", "/v1/batches"): [("GET", "/v1/batches", {})],
            ("GET", "/v1/me"): [("GET", "/v1/me", {})],
            ("GET", "/v1/events"): [
                ("GET", "/v1/events", {"headers": mark}) for mark in ({}, {"Last-Event-ID": "1"})
            ],
            ("POST", "/v1/uploads"): [
                ("POST", "/v1/uploads", {"headers": _TUS | {"Upload-Length": "1000"}})
            ],
        }

    def secrets(self) -> list[str]:
        """Return what no answer to another may hold."""
        return [*self.names, *self.file_ids, self.batch, self.link, self.upload, "secret.mp4"]


@pytest.fixture(scope="module")
def shared_gateway(shared_stage: Stage) -> Iterator[Gateway]:
    """A gateway whose live events end at once."""
    with run_replica(shared_stage, MAX_STREAM_SECONDS="0.05") as replica:
        yield replica.gateway


@pytest.fixture
def world(ann: Client, stage: Stage) -> World:
    return World(ann, stage)


@pytest.fixture
def app(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> flask.Flask:
    monkeypatch.setenv("KUBECONFIG", str(stage.kubeconfig))
    monkeypatch.setenv("AUTH_SVC_ADDR", stage.auth.address)
    return create_app(build_parts(GatewaySettings()))  # type: ignore[call-arg]


def _routes(app: flask.Flask) -> Iterator[tuple[str, str, list[str]]]:
    """Yield everybody's routes; HEAD is one of its own only where there is no GET."""
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"OPTIONS"}
        for method in sorted(methods - ({"HEAD"} if "GET" in methods else set())):
            if not rule.rule.startswith(ADMINS):
                yield method, rule.rule, sorted(rule.arguments)


def _calls(world: World, method: str, rule: str, arguments: list[str]) -> list[Call]:
    """Return how a route is tried; a KeyError says that it is a new one."""
    free = world.free_calls()
    if not arguments:
        return free[method, rule]
    choices = {name: world.arguments[name] for name in arguments}
    calls = []
    for number in range(max(map(len, choices.values()))):
        path = rule
        for name, values in choices.items():
            path = re.sub(rf"<(\w+:)?{name}>", values[number % len(values)], path)
        sent = BODIES.get((method, rule), {})
        calls.append((method, path, sent))
        if method == "GET":
            calls += [("HEAD", path, {}), ("GET", path, {"headers": {"Range": "bytes=0-3"}})]
    return calls


def test_nobody_reaches_what_is_anothers(
    app: flask.Flask, world: World, ann: Client, bob: Client, stage: Stage
):
    before = _picture(stage)
    tried = 0
    for method, rule, arguments in _routes(app):
        if (method, rule) in OPEN:
            continue
        for call in _calls(world, method, rule, arguments):
            answer = bob.ask(call[0], call[1], **call[2])
            tried += 1
            told = f"{call}: {answer.status_code} {answer.text[:300]}"
            assert not any(secret in answer.text for secret in world.secrets()), told
            if arguments or (method == "POST" and "json" in call[2]):
                assert answer.status_code == 404, told
    assert tried > 100
    assert _picture(stage) == before
    for name in world.names:
        assert ann.ask("GET", f"/v1/conversions/{name}").status_code == 200


def test_what_is_tried_would_reach_it_if_it_were_ones_own(
    app: flask.Flask, world: World, ann: Client
):
    """Else the test above proved nothing."""
    reached = set()
    for method, rule, arguments in _routes(app):
        if (method, rule) in OPEN or method == "DELETE":
            continue
        for call in _calls(world, method, rule, arguments):
            answer = ann.ask(call[0], call[1], **call[2])
            if answer.status_code not in {401, 403, 404, 405}:
                reached.add((method, rule))
    routes = {(method, rule) for method, rule, _ in _routes(app) if method != "DELETE"}
    assert reached == routes - OPEN


def test_without_a_token_nothing_is_told(app: flask.Flask, world: World, gateway: Gateway):
    for method, rule, arguments in _routes(app):
        if (method, rule) in OPEN - {("GET", "/v1/profiles")}:
            continue
        calls = [(method, rule, {})] if (method, rule) in OPEN else None
        for call in calls or _calls(world, method, rule, arguments):
            answer = requests.request(call[0], gateway.url + call[1], timeout=30, **call[2])
            assert answer.status_code == 401, call


def test_what_is_for_administrators_is_for_nobody_else(app: flask.Flask, bob: Client):
    tried = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(ADMINS):
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            path = re.sub(r"<[^>]+>", "a" * 24, rule.rule)
            assert bob.ask(method, path).status_code == 403, (method, path)
            tried += 1
    assert tried > 10


def _picture(stage: Stage) -> Any:
    """Return what of ann's is there."""
    objects = [
        (o["metadata"]["name"], o["metadata"]["uid"], o["spec"], o["metadata"].get("finalizers"))
        for kind in ("videoconversions", "conversionbatches")
        for o in stage.kube.list(kind)
        if o["spec"]["owner"]["id"] == "ann"
    ]
    documents = {
        name: list(
            stage.database[name].find({"$or": [{"owner": "ann"}, {"metadata.owner": "ann"}]})
        )
        for name in ("archive", "links", "uploads", "sources.files", "results.files")
    }
    return sorted(objects, key=str), documents
