import flask
import pytest

from soundstrip_service.headers import SECURITY_HEADERS, install_headers
from soundstrip_service.problems import install_problems


def app(hsts_seconds: int = 0) -> flask.Flask:
    app = flask.Flask("sample")
    install_problems(app)
    install_headers(app, hsts_seconds)

    @app.get("/data")
    def data() -> dict[str, str]:
        return {}

    @app.get("/page")
    def page() -> flask.Response:
        return flask.Response("x", headers={"Content-Security-Policy": "default-src 'self'"})

    @app.get("/bug")
    def bug() -> str:
        raise RuntimeError

    return app


@pytest.mark.parametrize("path", ["/data", "/bug", "/nowhere"])
def test_every_answer_tells_browsers_what_it_is_not_for(path: str):
    answer = app().test_client().get(path)
    assert SECURITY_HEADERS.items() <= dict(answer.headers).items()
    assert "Strict-Transport-Security" not in answer.headers


def test_a_page_keeps_its_own_policy_and_gets_the_rest():
    answer = app().test_client().get("/page")
    assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_behind_tls_browsers_are_told_to_stay_there():
    answer = app(hsts_seconds=300).test_client().get("/data")
    assert answer.headers["Strict-Transport-Security"] == "max-age=300"
