import base64
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Never

import pytest
from flask.testing import FlaskClient

from soundstrip_auth.app import create_app
from soundstrip_auth.database import Database, DatabaseUnavailable
from soundstrip_auth.document import ABOUT, NEIGHBOUR
from soundstrip_auth.parts import Parts
from soundstrip_auth.tokens import LEGACY_LIFETIME, Tokens, make_claims
from soundstrip_auth.users import User
from soundstrip_service.openapi import undescribed_routes

MakeParts = Callable[..., Parts]


@pytest.fixture
def client(make_parts: MakeParts) -> Iterator[FlaskClient]:
    with create_app(make_parts()).test_client() as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_valid_token_is_answered_with_its_claims(
    client: FlaskClient, tokens: Tokens, user: User, method: str
):
    claims = make_claims(user, datetime.now(UTC), LEGACY_LIFETIME)
    answer = client.open("/validate", method=method, headers=bearer(tokens.sign(claims)))
    assert answer.status_code == 200
    assert answer.get_json() == claims


@pytest.mark.parametrize("header", [{}, bearer("x.y.z"), {"Authorization": "Bearer"}])
def test_validate_refuses_what_is_no_token(client: FlaskClient, header: dict[str, str]):
    answer = client.get("/validate", headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Basic ???"}, bearer("x"), {"Authorization": "Basic Og=="}]
)
def test_login_without_credentials_asks_for_them(client: FlaskClient, header: dict[str, str]):
    answer = client.post("/login", headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_mysql_away_is_503_with_a_hint_when_to_come_back(client: FlaskClient):
    answer = client.post("/login", auth=("anna", "long enough"))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "geheim" not in answer.text


def test_a_login_that_no_user_can_have_is_401_even_without_mysql(client: FlaskClient):
    assert client.post("/login", auth=("no such user", "long enough")).status_code == 401


def test_readiness_names_mysql_and_liveness_does_not_ask_it(client: FlaskClient):
    answer = client.get("/health")
    assert answer.status_code == 503
    assert list(answer.get_json()["missing"]) == ["mysql"]
    assert client.get("/livez").status_code == 200


def test_the_keys_are_published_and_may_be_cached(client: FlaskClient, tokens: Tokens):
    answer = client.get("/.well-known/jwks.json")
    assert answer.get_json() == tokens.jwks()
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_token_and_its_claims_are_not_to_be_cached(
    client: FlaskClient, tokens: Tokens, user: User
):
    token = tokens.issue(user, LEGACY_LIFETIME)
    assert client.get("/validate", headers=bearer(token)).headers["Cache-Control"] == "no-store"


def test_login_by_get_is_not_allowed(client: FlaskClient):
    assert client.get("/login").status_code == 405


def test_more_logins_than_places_are_turned_away_at_once(make_parts: MakeParts):
    arrived, release = threading.Event(), threading.Event()

    class SlowDatabase(Database):
        def connect(self, answer_seconds: int = 3) -> Never:  # type: ignore[override]
            arrived.set()
            release.wait(60)
            raise DatabaseUnavailable("It was slow.")

    slow = SlowDatabase("127.0.0.1", 1, "user", "geheim", "auth")
    app = create_app(replace(make_parts(slow, places=1), limiter=make_parts().limiter))
    basic = base64.b64encode(b"anna:long enough").decode()
    headers = {"Authorization": f"Basic {basic}"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: app.test_client().post("/login", headers=headers))
        assert arrived.wait(60)
        turned_away = app.test_client().post("/login", headers=headers)
        release.set()
        assert first.result(60).status_code == 503
    assert turned_away.status_code == 503
    assert "at once" in turned_away.get_json()["detail"]


def test_letters_that_nobody_can_send_are_501_for_everybody(client: FlaskClient):
    answer = client.post("/v1/password-resets", json={"email": "anna@example.org"})
    assert answer.status_code == 501
    assert answer.get_json()["type"].endswith("/mail-not-set-up")
    assert "GMAIL_ADDRESS" in answer.get_json()["detail"]


def test_a_reset_is_asked_for_without_looking_whether_there_is_such_a_user(make_parts: MakeParts):
    asked: list[str] = []

    class Asked(Database):
        def write(self, statement: str, parameters: Sequence[Any] = ()) -> int:
            asked.append(statement.split()[2])
            return 1

        def read(self, statement: str, parameters: Sequence[Any] = ()) -> Never:
            raise AssertionError(statement)

    app = create_app(make_parts(Asked("127.0.0.1", 1, "u", "p", "auth"), sends_mail=True))
    answer = app.test_client().post("/v1/password-resets", json={"email": "anna@example.org"})
    assert (answer.status_code, answer.data, asked) == (202, b"", ["letters"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b"[" * 9999, 422),
        (b'{"login": "anna"}', 422),
        (b'{"login": "anna", "password": "x", "otp": "1"}', 422),
        (b" " * 65537, 413),
    ],
)
def test_a_body_that_is_not_what_is_expected_is_refused(
    client: FlaskClient, body: bytes, status: int
):
    for path in ("/v1/sessions", "/v1/token"):
        answer = client.post(path, data=body, content_type="application/json")
        assert answer.status_code == status
        assert answer.content_type == "application/problem+json"


def test_a_body_is_json_by_its_type_or_what_curl_calls_it(client: FlaskClient):
    for content_type, status in [("text/plain", 415), ("application/x-www-form-urlencoded", 422)]:
        answer = client.post("/v1/sessions", data=b"{}", content_type=content_type)
        assert answer.status_code == status


@pytest.mark.parametrize("path", ["/v1/users/é", "/v1/users/a%00", "/v1/api-keys/A", "/v1/x"])
def test_what_can_be_no_id_is_not_found_without_asking_mysql(client: FlaskClient, path: str):
    answer = client.delete(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_what_a_body_holds_is_not_quoted(client: FlaskClient):
    body = {"login": "anna", "password": {"geheim": 1}}
    answer = client.post("/v1/sessions", json=body)
    assert answer.status_code == 422
    assert "geheim" not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/sessions"),
        ("DELETE", "/v1/sessions/current"),
        ("POST", "/v1/password"),
        ("GET", "/v1/api-keys"),
        ("POST", "/v1/api-keys"),
        ("GET", "/v1/users"),
        ("POST", "/v1/users"),
        ("PATCH", "/v1/users/x"),
        ("DELETE", "/v1/users/x"),
        ("DELETE", "/v1/users/x/lock"),
        ("GET", "/v1/audit"),
        ("POST", "/v1/invitations"),
    ],
)
def test_who_does_not_say_who_they_are_gets_401(client: FlaskClient, method: str, path: str):
    assert client.open(path, method=method).status_code == 401
    assert client.open(path, method=method, headers=bearer("ss_x")).status_code == 401


def test_registration_by_invitation_is_not_open_to_everybody(client: FlaskClient):
    answer = client.post("/v1/registrations", json={"email": "eve@example.org"})
    assert answer.status_code == 403
    assert answer.get_json()["type"].endswith("/registration-closed")


def test_each_route_describes_itself(client: FlaskClient):
    assert undescribed_routes(client.application) == []
    document = client.get("/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    page = client.get("/docs")
    assert page.content_type == "text/html; charset=utf-8"
    assert all(path in page.text for path in document["paths"])


def test_the_page_leads_to_the_gateway_s_if_it_is_known_where_that_is(make_parts: MakeParts):
    about = ABOUT.beside(NEIGHBOUR, "https://sound.example/")
    known = create_app(make_parts(), about=about).test_client()
    assert 'href="https://sound.example/docs"' in known.get("/docs").text
    unknown = create_app(make_parts(), about=ABOUT.beside(NEIGHBOUR, None)).test_client()
    assert "externalDocs" not in unknown.get("/openapi.json").get_json()


def test_each_answer_tells_what_is_left_and_one_too_many_is_429(
    client: FlaskClient, tokens: Tokens, user: User
):
    headers = bearer(tokens.issue(user, LEGACY_LIFETIME))
    left = []
    for _ in range(6):
        answer = client.get("/validate", headers=headers)
        assert answer.headers["RateLimit-Policy"] == '"user-3600";q=6;w=3600'
        left.append(int(answer.headers["RateLimit-Remaining"]))
    assert left == [5, 4, 3, 2, 1, 0]
    refused = client.get("/validate", headers=headers)
    assert (refused.status_code, refused.get_json()["scope"]) == (429, "user")
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get("/validate", headers=bearer("x.y.z")).status_code == 401
    assert "RateLimit" not in client.get("/livez").headers


def test_letters_and_logins_have_limits_of_their_own(client: FlaskClient):
    body = {"email": "anna@example.org"}
    found = [client.post("/v1/password-resets", json=body).status_code for _ in range(3)]
    assert found == [501, 501, 429]
    answer = client.post("/login", auth=("no such user", "long enough"))
    assert answer.headers["RateLimit"].split(";")[0] == '"address-3600"'
    assert '"login-3600";r=49' in answer.headers["RateLimit"]


def test_pages_of_named_origins_may_ask_and_read_and_no_others(make_parts: MakeParts):
    page = "https://app.example.org"
    client = create_app(make_parts(), origins=frozenset({page}), hsts_seconds=60).test_client()
    asking = {"Access-Control-Request-Method": "POST", "Origin": page}
    allowed = client.options("/v1/sessions", headers=asking)
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (204, page)
    refused = client.options("/v1/sessions", headers=asking | {"Origin": f"{page}.evil.example"})
    assert "Access-Control-Allow-Origin" not in refused.headers
    read = client.get("/v1/sessions", headers={"Origin": page})
    assert (read.status_code, read.headers["Access-Control-Allow-Origin"]) == (401, page)
    assert read.headers["Strict-Transport-Security"] == "max-age=60"


@pytest.mark.parametrize("path", ["/v1/sessions", "/livez", "/nowhere", "/docs", "/openapi.json"])
def test_every_answer_tells_browsers_what_it_is_not_for(client: FlaskClient, path: str):
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Request-Id"]
