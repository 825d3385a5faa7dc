import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Never

import pytest
from flask.testing import FlaskClient

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.app import create_app
from soundstrip_auth.database import Database, DatabaseUnavailable
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.store import UserStore
from soundstrip_auth.tokens import TokenKey, make_claims
from soundstrip_auth.users import Role, User

USER = User("5f1d7a84db9c4a5bb1c4d9c8a4b8f0aa", "anna", "anna@example.org", Role.USER)
KEY = TokenKey(b"0123456789abcdef0123456789abcdef")
NOWHERE = Database("127.0.0.1", 1, "user", "geheim", "auth")
"""Nothing listens on port 1."""


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    accounts = Accounts(UserStore(NOWHERE), Passwords(), 2)
    app = create_app(accounts, KEY, NOWHERE.check, lambda: datetime.now(UTC))
    with app.test_client() as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_valid_token_is_answered_with_its_claims(client: FlaskClient, method: str):
    claims = make_claims(USER, datetime.now(UTC))
    answer = client.open("/validate", method=method, headers=bearer(KEY.sign(claims)))
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


def test_the_keys_are_published_and_may_be_cached(client: FlaskClient):
    answer = client.get("/.well-known/jwks.json")
    assert answer.get_json() == KEY.jwks()
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_token_and_its_claims_are_not_to_be_cached(client: FlaskClient):
    token = KEY.sign(make_claims(USER, datetime.now(UTC)))
    assert client.get("/validate", headers=bearer(token)).headers["Cache-Control"] == "no-store"


def test_login_by_get_is_not_allowed(client: FlaskClient):
    assert client.get("/login").status_code == 405


def test_more_logins_than_places_are_turned_away_at_once():
    arrived, release = threading.Event(), threading.Event()

    class SlowDatabase(Database):
        def connect(self, answer_seconds: int = 3) -> Never:  # type: ignore[override]
            arrived.set()
            release.wait(20)
            raise DatabaseUnavailable("It was slow.")

    slow = SlowDatabase("127.0.0.1", 1, "user", "geheim", "auth")
    app = create_app(
        Accounts(UserStore(slow), Passwords(), 1), KEY, slow.check, lambda: datetime.now(UTC)
    )
    basic = base64.b64encode(b"anna:long enough").decode()
    headers = {"Authorization": f"Basic {basic}"}
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: app.test_client().post("/login", headers=headers))
        assert arrived.wait(20)
        turned_away = app.test_client().post("/login", headers=headers)
        release.set()
        assert first.result(20).status_code == 503
    assert turned_away.status_code == 503
    assert "at once" in turned_away.get_json()["detail"]
