"""Whose request it is, from end to end: the gateway with a real auth."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from tests.auths import PASSWORD, Service, await_ready, create_user, environment, running_auth
from tests.databases import MySql
from tests.gateways import VIDEO, Gateway, Stage
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)  # MySQL's first start is part of the first test


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
    create_user(mysql, "--name", "anna", "--email", "anna@example.org")
    variables = environment(mysql, ACCESS_TOKEN_SECONDS="40", TRUSTED_PROXIES="127.0.0.0/8")
    with running_auth(tmp_path, variables) as service:
        await_ready(service)
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
        auth.call("DELETE", f"/v1/api-keys/{made['id']}", granted["accessToken"])
        wait_until(lambda: ask(gateway, "GET", made["key"]) == 401, "the key is refused")
        assert made["key"] not in gateway.log() + auth.log.read_text()
