import io
import json

import flask
import pytest
from flask.testing import FlaskClient

from soundstrip_service.problems import Problem, hide_path, install_problems


@pytest.fixture
def app() -> flask.Flask:
    app = flask.Flask("sample")
    install_problems(app)

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    @app.get("/livez")
    def livez() -> str:
        return "ok"

    @app.get("/wrong")
    def wrong() -> str:
        raise Problem(
            409,
            "Conversion failed",
            "It has no sound.",
            slug="conversion-failed",
            headers={"Retry-After": "3"},
            extensions={"reason": "NoAudioTrack"},
        )

    @app.get("/links/<token>")
    @hide_path
    def link(token: str) -> str:
        return "x" if token != "broken" else str(1 / 0)

    @app.get("/bug")
    def bug() -> str:
        raise RuntimeError("the inner detail")

    return app


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()


def read(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_problem_is_told_as_rfc_9457_says(client: FlaskClient):
    answer = client.get("/wrong", headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"] == "3"
    assert answer.get_json() == {
        "type": "https://soundstrip.dev/problems/conversion-failed",
        "title": "Conversion failed",
        "status": 409,
        "detail": "It has no sound.",
        "requestId": "abc-1",
        "reason": "NoAudioTrack",
    }


def test_an_unknown_route_and_a_wrong_method_are_problems_too(client: FlaskClient):
    unknown = client.get("/nowhere")
    assert (unknown.status_code, unknown.get_json()["title"]) == (404, "Not Found")
    wrong = client.delete("/fine")
    assert (wrong.status_code, wrong.get_json()["status"]) == (405, 405)
    assert "GET" in wrong.headers["Allow"]


def test_a_bug_is_answered_without_details_and_logged_with_them(
    client: FlaskClient, written: io.StringIO
):
    answer = client.get("/bug", headers={"X-Request-Id": "abc-2"})
    assert answer.status_code == 500
    assert "inner detail" not in answer.text
    (bug,) = [line for line in read(written) if line["event"] == "unexpected error"]
    assert bug["request_id"] == "abc-2"
    assert "RuntimeError: the inner detail" in str(bug["exception"])


@pytest.mark.parametrize("offered", ["a b", "x" * 200, "", "\u00e9"])
def test_a_request_id_that_is_not_sane_is_replaced(client: FlaskClient, offered: str):
    given = client.get("/fine", headers={"X-Request-Id": offered}).headers["X-Request-Id"]
    assert given != offered
    assert len(given) == 32


def test_every_answer_carries_the_request_id(client: FlaskClient):
    for path in ("/fine", "/wrong", "/bug", "/nowhere"):
        assert client.get(path, headers={"X-Request-Id": "r-1"}).headers["X-Request-Id"] == "r-1"


def test_one_access_line_without_query_and_authorization(client: FlaskClient, written: io.StringIO):
    client.get("/fine?token=geheim", headers={"Authorization": "Bearer geheim"}).close()
    (line,) = read(written)
    assert (line["event"], line["path"], line["status"]) == ("request", "/fine", 200)
    assert "geheim" not in json.dumps(line)


def test_a_successful_probe_leaves_no_line_at_level_info(client: FlaskClient, written: io.StringIO):
    client.get("/livez").close()
    assert read(written) == []


@pytest.mark.parametrize(("method", "token"), [("GET", "s3cret"), ("PUT", "s3cret")])
def test_a_view_whose_path_is_secret_is_logged_by_its_rule(
    client: FlaskClient, written: io.StringIO, method: str, token: str
):
    client.open(f"/links/{token}?also={token}", method=method).close()
    (line,) = read(written)
    assert line["path"] == "/links/<token>"
    assert token not in written.getvalue()


def test_a_bug_in_such_a_view_does_not_tell_the_path_either(
    client: FlaskClient, written: io.StringIO
):
    client.get("/links/broken").close()
    assert {line["path"] for line in read(written)} == {"/links/<token>"}
