from typing import Annotated, Any, Literal

import flask
import msgspec
import pytest
from flask.testing import FlaskClient
from msgspec import Meta

from soundstrip_service.openapi import About, describe_app, undescribed_routes
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
    read_json,
    read_query,
)
from soundstrip_service.problems import install_problems

ABOUT = About("Sample", "1.2.3", "A sample.", {"bearer": {"type": "http"}}, {"things": "Things."})


class Filter(msgspec.Struct, rename="camel"):
    state: Literal["old", "new"] | None = None
    page_size: Annotated[int, Meta(ge=1, le=9)] = 5


class Thing(msgspec.Struct):
    name: Annotated[str, Meta(max_length=5)]


class Things(msgspec.Struct):
    items: list[Thing]


@pytest.fixture
def app() -> flask.Flask:
    app = flask.Flask("sample")
    install_problems(app)

    @app.get("/things")
    @describe_route(
        Operation("List", "things", {200: Answer("Things", Things)}, (400,), query=Filter)
    )
    def index() -> flask.Response:
        wanted = read_query(Filter)
        return answer_json(Things([Thing(f"{wanted.state}{wanted.page_size}")]))

    @app.put("/things/<name>")
    @describe_route(
        Operation(
            "Keep",
            "things",
            {201: Answer("Kept", Thing, {"Location": "where it is"})},
            (400, 415, 422),
            body=Body({"application/json": Thing}),
            parts={"name": Annotated[str, Meta(max_length=5)]},
            security=(),
        )
    )
    def keep(name: str) -> flask.Response:
        return answer_json(read_json(Thing), 201, {"Location": f"/things/{name}"})

    @app.get("/things/<name>/picture")
    @describe_route(Operation("Picture", "things", {200: Answer("Bytes", "image/*")}))
    def picture(name: str) -> flask.Response:
        return flask.Response(name)

    @app.get("/quiet")
    def quiet() -> str:
        return "quiet"

    return app


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def document(app: flask.Flask) -> dict[str, Any]:
    return describe_app(app, ABOUT)


def test_parameters_are_read_as_the_type_says(client: FlaskClient):
    assert client.get("/things?state=old&pageSize=7").get_json() == {"items": [{"name": "old7"}]}
    assert client.get("/things").get_json() == {"items": [{"name": "None5"}]}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("stat=old", "pageSize, state"),
        ("state=old&state=new", "more than once"),
        ("state=ancient", "ancient"),
        ("pageSize=many", "pageSize"),
        ("state=null", "state"),
        ("pageSize=10", "<= 9"),
    ],
)
def test_a_parameter_that_is_none_is_refused_with_what_there_is(
    client: FlaskClient, query: str, told: str
):
    answer = client.get(f"/things?{query}")
    assert answer.status_code == 400
    assert told in answer.get_json()["detail"]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"name": "x"}', "application/json", 201),
        (b'{"name": "x"}', "text/plain", 415),
        (b'{"name": "longer"}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
    ],
)
def test_a_body_is_taken_only_as_the_type_says(
    client: FlaskClient, body: bytes, content_type: str, status: int
):
    answer = client.put("/things/a", data=body, content_type=content_type)
    assert answer.status_code == status


def test_the_document_has_each_route_that_describes_itself(
    app: flask.Flask, document: dict[str, Any]
):
    assert set(document["paths"]) == {"/things", "/things/{name}", "/things/{name}/picture"}
    assert undescribed_routes(app) == ["/quiet", "/static/<path:filename>"]


def test_a_parameter_is_described_without_null_and_with_its_default(document: dict[str, Any]):
    size, state = sorted(
        document["paths"]["/things"]["get"]["parameters"], key=lambda each: each["name"]
    )
    assert size["schema"] == {"type": "integer", "minimum": 1, "maximum": 9, "default": 5}
    assert state["schema"] == {"enum": ["new", "old"]}
    assert not state["required"]
    assert set(document["components"]["schemas"]) == {"ProblemDetails", "Thing", "Things"}


def test_errors_are_problems_and_everywhere_the_same(document: dict[str, Any]):
    secured = document["paths"]["/things"]["get"]["responses"]
    assert {s for s in secured if s >= "400"} == {"400", "401", "403", "429", "503"}
    assert set(secured["401"]["content"]) == {"application/problem+json"}
    open_to_all = document["paths"]["/things/{name}"]["put"]
    assert open_to_all["security"] == []
    assert "401" not in open_to_all["responses"]


def test_bodies_answers_and_headers_are_described(document: dict[str, Any]):
    put = document["paths"]["/things/{name}"]["put"]
    thing = {"$ref": "#/components/schemas/Thing"}
    assert put["requestBody"]["content"] == {"application/json": {"schema": thing}}
    assert put["responses"]["201"]["content"]["application/json"]["schema"] == thing
    assert put["responses"]["201"]["headers"]["Location"]["description"] == "where it is"
    assert put["parameters"][0]["schema"] == {"type": "string", "maxLength": 5}
    picture = document["paths"]["/things/{name}/picture"]["get"]["responses"]["200"]
    assert picture["content"] == {"image/*": {}}
