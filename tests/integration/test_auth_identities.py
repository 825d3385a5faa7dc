"""Whose request it is, from end to end: the gateway with a real auth, and with a real issuer."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from tests.auths import PASSWORD, Service, add_user, running_auth
from tests.databases import MySql
from tests.gateways import VIDEO, Gateway, Stage
from tests.issuers import OutsideIssuer, running_issuer
from tests.processes import free_port
from tests.waiting import wait_until

AUDIENCE = "https://audio.example"
ZOE = {"preferred_username": "Zoë", "email": "zoe@example.org", "roles": ["audio-admin"]}


def ask(gateway: Gateway, method: str, token: str, path: str = "/v1/conversions") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    body = VIDEO if method == "POST" else None
    parameters = {"filename": "talk.mp4"} if method == "POST" else {}
    answer = requests.request(
        method, gateway.url + path, headers=headers, data=body, params=parameters, timeout=30
    )
    return answer.status_code


def list_items(gateway: Gateway, token: str) -> list[str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{gateway.url}/v1/conversions", headers=headers, timeout=30)
    return [item["id"] for item in answer.json()["items"]]


@pytest.fixture
def auth(mysql: MySql, tmp_path: Path) -> Iterator[Service]:
    settings = {"ACCESS_TOKEN_SECONDS": "40", "TRUSTED_PROXIES": "127.0.0.0/8"}
    with running_auth(tmp_path, mysql, **settings) as service:
        add_user(mysql, "anna")
        yield service


def test_every_kind_of_credential_is_the_same_user_s(auth: Service, stage: Stage):
    with stage.run_gateway(AUTH_SVC_ADDR=auth.url) as gateway:
        granted = auth.begin("anna", PASSWORD)
        wanted = {"name": "n", "scopes": ["conversions:read"]}
        made = auth.call("POST", "/v1/api-keys", granted["accessToken"], wanted).json()
        legacy = requests.post(f"{gateway.url}/login", auth=("anna", PASSWORD), timeout=30)
        assert ask(gateway, "POST", granted["accessToken"]) == 202
        assert ask(gateway, "POST", legacy.json()["token"]) == 202
        found = list_items(gateway, made["key"])
        assert len(found) == 2
        assert ask(gateway, "POST", made["key"]) == 403
        assert ask(gateway, "DELETE", made["key"], f"/v1/conversions/{found[0]}") == 403
        deleted = auth.call("DELETE", f"/v1/api-keys/{made['id']}", legacy.json()["token"])
        assert deleted.status_code == 204
        wait_until(lambda: ask(gateway, "GET", made["key"]) == 401, "the key is refused")
        assert made["key"] not in gateway.log() + auth.log.read_text()


@pytest.fixture
def issuer() -> Iterator[OutsideIssuer]:
    with running_issuer({"zoe": ZOE, "yuri": {}}) as issuer:
        yield issuer


@contextmanager
def gateway_that_trusts(url: str, stage: Stage) -> Iterator[Gateway]:
    settings = {
        "OIDC_ISSUER": url,
        "OIDC_AUDIENCE": AUDIENCE,
        "OIDC_ADMIN_VALUE": "audio-admin",
        "OIDC_ALLOW_HTTP_LOOPBACK": "true",
    }
    with stage.run_gateway(**settings) as gateway:
        yield gateway


def test_tokens_of_a_real_issuer_are_taken_for_its_users(stage: Stage, issuer: OutsideIssuer):
    with gateway_that_trusts(issuer.url, stage) as gateway:
        for algorithm in ("RS256", "ES256", "EdDSA"):
            assert ask(gateway, "POST", issuer.token("zoe", AUDIENCE, algorithm)) == 202
        found = list_items(gateway, issuer.token("zoe", AUDIENCE))
        assert len(found) == 3
        made = stage.kube.get("videoconversion", found[0])
        assert made is not None
        owner = made["spec"]["owner"]
        assert owner["id"].startswith("oidc-")
        assert owner["name"] == "Zoë"
        assert made["metadata"]["labels"] == {"soundstrip.dev/owner": owner["id"]}
        yuri = issuer.token("yuri", AUDIENCE)
        assert list_items(gateway, yuri) == []
        assert ask(gateway, "GET", yuri, f"/v1/conversions/{found[0]}") == 404
        assert ask(gateway, "GET", issuer.token("zoe", "https://other.example")) == 401
        assert list_items(gateway, stage.auth.token("ann")) == []


def test_tokens_of_an_issuer_that_nobody_configured_are_refused(
    stage: Stage, issuer: OutsideIssuer, gateway: Gateway
):
    assert ask(gateway, "GET", issuer.token("zoe", AUDIENCE)) == 401
    with ExitStack() as stack:
        other = stack.enter_context(running_issuer({"zoe": ZOE}))
        trusting = stack.enter_context(gateway_that_trusts(issuer.url, stage))
        assert ask(trusting, "GET", other.token("zoe", AUDIENCE)) == 401
        assert ask(trusting, "GET", issuer.token("zoe", AUDIENCE)) == 200


def test_an_issuer_that_is_away_is_503_for_its_users_alone_until_it_comes(stage: Stage):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running_issuer({"zoe": ZOE}, port) as issuer:
        stale = issuer.token("zoe", AUDIENCE)
    with gateway_that_trusts(url, stage) as gateway:
        assert ask(gateway, "GET", stale) == 503
        assert ask(gateway, "GET", stage.auth.token("ann")) == 200
        with running_issuer({"zoe": ZOE}, port) as issuer:
            fresh = issuer.token("zoe", AUDIENCE)
            wait_until(lambda: ask(gateway, "GET", fresh) == 200, "its tokens are taken")
            assert ask(gateway, "GET", stale) == 401
