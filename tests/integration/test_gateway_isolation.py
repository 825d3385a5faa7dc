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
}
"""Routes that hold nobody's own; who has a link's secret is meant to get the audio."""

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("PATCH", "/v1/conversions/<conversion_id>"): {"json": {"priority": 1}},
    ("POST", "/v1/conversions/<conversion_id>/links"): {"json": {}},
    ("PATCH", "/v1/batches/<batch_id>"): {"json": {"priority": 1}},
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
        return {"conversion_id": ids, "batch_id": [self.batch], "link_id": [self.link]}

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
        }

    def secrets(self) -> list[str]:
        """Return what no answer to another may hold."""
        return [*self.names, *self.file_ids, self.batch, self.link, "secret.mp4"]


@pytest.fixture
def world(ann: Client, stage: Stage) -> World:
    return World(ann, stage)


@pytest.fixture
def app(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> flask.Flask:
    monkeypatch.setenv("KUBECONFIG", str(stage.kubeconfig))
    monkeypatch.setenv("AUTH_SVC_ADDR", stage.auth.address)
    return create_app(build_parts(GatewaySettings()))  # type: ignore[call-arg]


def _routes(app: flask.Flask) -> Iterator[tuple[str, str, list[str]]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
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
            options = {name: value for name, value in call[2].items() if name != "headers"}
            answer = requests.request(call[0], gateway.url + call[1], timeout=30, **options)
            assert answer.status_code == 401, call


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
        for name in ("archive", "links", "sources.files", "results.files")
    }
    return sorted(objects, key=str), documents
