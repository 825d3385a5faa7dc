"""What browsers may do: sessions by cookie, pages of other origins, and what logs tell of it."""

from collections.abc import Iterator

import pytest
import requests
from tests.gateways import VIDEO, Gateway, Stage

PAGE = "https://app.example.org"


@pytest.fixture(scope="module")
def shared_gateway(shared_stage: Stage) -> Iterator[Gateway]:
    settings = {"CORS_ORIGINS": PAGE, "SECURE_COOKIES": "false", "HSTS_SECONDS": "60"}
    with shared_stage.run_gateway(**settings) as gateway:
        yield gateway


@pytest.fixture
def browser(gateway: Gateway) -> requests.Session:
    session = requests.Session()
    session.post(f"{gateway.url}/v1/session", auth=("ann", "right"), timeout=30)
    return session


def test_a_page_logs_in_works_and_logs_out_without_seeing_the_token(gateway: Gateway):
    browser = requests.Session()
    answer = browser.post(f"{gateway.url}/v1/session", auth=("ann", "right"), timeout=30)
    assert (answer.status_code, answer.json()["name"]) == (200, "ann")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    [token] = browser.cookies.get_dict().values()
    assert token not in answer.text
    url = f"{gateway.url}/v1/conversions"
    own = {"Sec-Fetch-Site": "same-origin"}
    assert browser.post(url, data=VIDEO, headers=own, timeout=30).status_code == 202
    assert len(browser.get(url, timeout=30).json()["items"]) == 1
    ended = browser.delete(f"{gateway.url}/v1/session", headers=own, timeout=30)
    assert ended.status_code == 204
    assert not browser.cookies
    assert browser.get(url, timeout=30).status_code == 401
    assert token not in gateway.log()


def test_the_cookie_is_for_this_host_alone_unless_the_settings_say_plain_http(stage: Stage):
    with stage.run_gateway() as gateway:
        answer = requests.post(f"{gateway.url}/v1/session", auth=("ann", "right"), timeout=30)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-soundstrip=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        header = {"Cookie": cookie.partition(";")[0].replace("__Host-", "")}
        url = f"{gateway.url}/v1/conversions"
        assert requests.get(url, headers=header, timeout=30).status_code == 401


def test_another_site_can_make_the_browser_change_nothing(
    gateway: Gateway, browser: requests.Session
):
    for headers, status in [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": gateway.url}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": PAGE}, 403),
        ({"Origin": gateway.url}, 202),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
    ]:
        url = f"{gateway.url}/v1/conversions"
        answer = browser.post(url, data=VIDEO, headers=headers, timeout=30)
        assert (headers, answer.status_code) == (headers, status)
        if status == 403:
            assert answer.json()["type"].endswith("/cross-site")


def test_a_token_needs_no_such_proof(gateway: Gateway, browser: requests.Session, stage: Stage):
    headers = stage.header("bob") | {"Sec-Fetch-Site": "cross-site", "Origin": PAGE}
    url = f"{gateway.url}/v1/conversions"
    made = browser.post(url, data=VIDEO, headers=headers, timeout=30)
    assert made.status_code == 202
    assert made.headers["Access-Control-Allow-Origin"] == PAGE
    assert requests.get(url, headers=stage.header("bob"), timeout=30).json()["items"]


def test_pages_of_named_origins_may_ask_and_read_and_no_others(gateway: Gateway):
    url = f"{gateway.url}/v1/conversions"
    asking = {"Access-Control-Request-Method": "POST", "Origin": PAGE}
    allowed = requests.options(url, headers=asking, timeout=30)
    assert allowed.status_code == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    assert "DELETE" in allowed.headers["Access-Control-Allow-Methods"]
    read = requests.get(url, headers={"Origin": PAGE}, timeout=30)
    exposed = read.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "ETag", "RateLimit", "Upload-Offset", "Tus-Resumable"} <= set(exposed)
    for origin in ("https://evil.example.org", f"{PAGE}.evil.example", "null"):
        for answer in (
            requests.options(url, headers=asking | {"Origin": origin}, timeout=30),
            requests.get(url, headers={"Origin": origin}, timeout=30),
        ):
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in read.headers


def test_every_answer_tells_browsers_what_it_is_not_for(gateway: Gateway, stage: Stage):
    for path in ("/v1/conversions", "/health", "/nowhere", "/openapi.json", "/docs"):
        answer = requests.get(gateway.url + path, headers=stage.header("ann"), timeout=30)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Strict-Transport-Security"] == "max-age=60"
    private = requests.get(f"{gateway.url}/v1/conversions", headers=stage.header("ann"), timeout=30)
    assert private.headers["Cache-Control"] == "no-store"
