import pytest
from pytest_httpserver import HTTPServer

from soundstrip_gateway.keys import AuthUnavailable
from soundstrip_gateway.login import LoginDesk, LoginRefused

BASIC = "Basic YW5uOnJpZ2h0"


@pytest.fixture
def desk(httpserver: HTTPServer) -> LoginDesk:
    return LoginDesk(httpserver.url_for("/login"))


def test_the_credentials_are_passed_on_as_they_came(
    desk: LoginDesk, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    httpserver.expect_request("/login", "POST", headers={"Authorization": BASIC}).respond_with_json(
        {"token": "t"}
    )
    assert desk.exchange(BASIC) == "t"


def test_the_client_s_address_is_passed_on(desk: LoginDesk, httpserver: HTTPServer):
    headers = {"X-Forwarded-For": "192.0.2.1"}
    httpserver.expect_request("/login", "POST", headers=headers).respond_with_json({"token": "t"})
    assert desk.exchange(BASIC, "192.0.2.1") == "t"


@pytest.mark.parametrize("status", [401, 429])
def test_a_refusal_is_passed_back(desk: LoginDesk, httpserver: HTTPServer, status: int):
    httpserver.expect_request("/login").respond_with_data("", status, {"Retry-After": "7"})
    with pytest.raises(LoginRefused) as refused:
        desk.exchange(BASIC)
    assert (refused.value.status, refused.value.retry_after) == (status, "7")


@pytest.mark.parametrize(("body", "status"), [("", 500), ("", 200), ("[]", 200), ("{}", 200)])
def test_an_answer_that_makes_no_sense_is_an_outage(
    desk: LoginDesk, httpserver: HTTPServer, body: str, status: int
):
    httpserver.expect_request("/login").respond_with_data(body, status)
    with pytest.raises(AuthUnavailable):
        desk.exchange(BASIC)


def test_nobody_listening_is_an_outage():
    with pytest.raises(AuthUnavailable):
        LoginDesk("http://127.0.0.1:1/login").exchange(BASIC)
