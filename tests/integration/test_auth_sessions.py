"""Sessions, API keys and lock-outs, as two replicas of auth see them over one MySQL."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from tests.auths import (
    PASSWORD,
    Service,
    add_user,
    await_ready,
    connect_database,
    execute,
    starting_auth,
)
from tests.databases import MySql

from soundstrip_auth.database import DatabaseUnavailable
from soundstrip_auth.rate_windows import RateWindows
from soundstrip_auth.users import Role
from soundstrip_service.limiter import Limiter
from soundstrip_service.rates import Scope, parse_rates
from soundstrip_service.scopes import make_api_key

DAY = 86_400
ELSEWHERE = {"X-Forwarded-For": "198.51.100.7"}
Replicas = tuple[Service, Service]


@pytest.fixture(scope="module")
def replicas(auth_database: MySql, auth_directory: Path) -> Iterator[Replicas]:
    settings = {
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "RATE_LIMITS": '{"user": "3000/day"}',  # no test is likely to run at a window's end
        "RATE_LIMIT_LETTERS": "3/day",
    }
    with (
        starting_auth(auth_directory, auth_database, **settings) as one,
        starting_auth(auth_directory, auth_database, **settings) as other,
    ):
        await_ready(one)
        await_ready(other)
        yield one, other


@pytest.fixture
def name(replicas: Replicas, auth_database: MySql, request: pytest.FixtureRequest) -> str:
    """A user of the test's own."""
    made = f"user-{abs(hash(request.node.name)) % 10**9}"
    add_user(auth_database, made)
    return made


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_session_goes_on_at_any_replica(replicas: Replicas, name: str):
    one, other = replicas
    granted = one.begin(name, PASSWORD)
    claims = claims_of(granted["accessToken"])
    assert (claims["username"], claims["exp"] - claims["iat"]) == (name, 600)
    refreshed = other.refresh(granted["refreshToken"]).json()
    assert refreshed["refreshToken"] != granted["refreshToken"]
    assert one.refresh(refreshed["refreshToken"]).status_code == 200
    assert one.validate(refreshed["accessToken"]).json()["sid"] == granted["sessionId"]


def test_a_refresh_token_that_comes_twice_ends_its_session(replicas: Replicas, name: str):
    one, other = replicas
    first = one.begin(name, PASSWORD)
    second = one.refresh(first["refreshToken"]).json()
    assert other.refresh(first["refreshToken"]).status_code == 401
    assert one.refresh(second["refreshToken"]).status_code == 401
    assert one.call("GET", "/v1/sessions", second["accessToken"]).status_code == 401


def test_of_many_uses_at_once_one_succeeds_and_the_session_ends(replicas: Replicas, name: str):
    token = replicas[0].begin(name, PASSWORD)["refreshToken"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: replicas[n % 2].refresh(token).status_code, range(4)))
    assert sorted(answers) == [200, 401, 401, 401]


def test_people_see_their_sessions_and_end_them(replicas: Replicas, name: str):
    one, _ = replicas
    phone = one.begin(name, PASSWORD, **{"User-Agent": "phone"})
    laptop = one.begin(name, PASSWORD, **{"User-Agent": "laptop"} | ELSEWHERE)
    listed = one.call("GET", "/v1/sessions", laptop["accessToken"]).json()["items"]
    shown = [(s["client"], s["address"], s["current"]) for s in listed]
    assert shown == [("laptop", "198.51.100.7", True), ("phone", "127.0.0.1", False)]
    path = f"/v1/sessions/{phone['sessionId']}"
    assert one.call("DELETE", path, laptop["accessToken"]).status_code == 204
    assert one.refresh(phone["refreshToken"]).status_code == 401
    assert one.call("DELETE", path, laptop["accessToken"]).status_code == 404
    assert one.call("DELETE", "/v1/sessions/current", laptop["accessToken"]).status_code == 204
    assert one.refresh(laptop["refreshToken"]).status_code == 401


def test_nobody_ends_the_session_of_somebody_else(
    replicas: Replicas, name: str, auth_database: MySql
):
    one, _ = replicas
    add_user(auth_database, "mallory", Role.ADMIN)
    theirs, mine = one.begin(name, PASSWORD), one.begin("mallory", PASSWORD)
    path = f"/v1/sessions/{theirs['sessionId']}"
    assert one.call("DELETE", path, mine["accessToken"]).status_code == 404
    assert one.refresh(theirs["refreshToken"]).status_code == 200


def test_nobody_sees_or_ends_the_api_key_of_somebody_else(
    replicas: Replicas, name: str, auth_database: MySql
):
    one, _ = replicas
    add_user(auth_database, "marvin", Role.ADMIN)
    theirs, mine = one.begin(name, PASSWORD), one.begin("marvin", PASSWORD)
    wanted = {"name": "nightly", "scopes": ["conversions:read"]}
    key = one.call("POST", "/v1/api-keys", theirs["accessToken"], wanted).json()
    path = f"/v1/api-keys/{key['id']}"
    assert key["id"] not in one.call("GET", "/v1/api-keys", mine["accessToken"]).text
    assert one.call("DELETE", path, mine["accessToken"]).status_code == 404
    assert key["id"] in one.call("GET", "/v1/api-keys", theirs["accessToken"]).text
    assert one.call("DELETE", path, theirs["accessToken"]).status_code == 204


def test_another_password_ends_all_other_sessions(replicas: Replicas, name: str):
    one, other = replicas
    here, there = one.begin(name, PASSWORD), other.begin(name, PASSWORD)
    wrong = {"currentPassword": "not this", "newPassword": "another password"}
    assert one.call("POST", "/v1/password", here["accessToken"], wrong).status_code == 403
    right = wrong | {"currentPassword": PASSWORD}
    assert one.call("POST", "/v1/password", here["accessToken"], right).status_code == 204
    assert one.refresh(here["refreshToken"]).status_code == 200
    assert one.refresh(there["refreshToken"]).status_code == 401
    assert one.login(name, PASSWORD).status_code == 401
    assert one.login(name, "another password").status_code == 200


def test_an_api_key_is_for_its_scopes_alone_and_never_shown_again(replicas: Replicas, name: str):
    one, other = replicas
    me = one.begin(name, PASSWORD)["accessToken"]
    wanted = {"name": "nightly", "scopes": ["conversions:read"]}
    made = one.call("POST", "/v1/api-keys", me, wanted).json()
    key = made["key"]
    grant = {"grant": "api_key", "apiKey": key}
    granted = other.call("POST", "/v1/token", body=grant).json()
    claims = claims_of(granted["accessToken"])
    assert (claims["scope"], claims["username"], claims["admin"]) == (
        "conversions:read", name, False,
    )  # fmt: skip
    listed = one.call("GET", "/v1/api-keys", me).json()["items"]
    assert [item["name"] for item in listed] == ["nightly"]
    assert "usedAt" in listed[0]
    assert key not in str(listed)
    for token in (key, granted["accessToken"]):
        assert one.call("POST", "/v1/api-keys", token, wanted).status_code == 403
    assert one.call("DELETE", f"/v1/api-keys/{made['id']}", me).status_code == 204
    assert other.call("POST", "/v1/token", body=grant).status_code == 401
    assert one.call("GET", "/v1/api-keys", granted["accessToken"]).status_code == 401


def test_an_api_key_ends_when_it_was_said_to(replicas: Replicas, name: str, auth_database: MySql):
    one, _ = replicas
    me = one.begin(name, PASSWORD)["accessToken"]
    wanted = {"name": "n", "scopes": ["conversions:read"]}
    for moment in ("2001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z"):
        answer = one.call("POST", "/v1/api-keys", me, wanted | {"expiresAt": moment})
        assert answer.status_code == 422
    year = datetime.now(UTC).year + 8
    later = wanted | {"expiresAt": f"{year}-01-01T00:00:00+01:00"}
    made = one.call("POST", "/v1/api-keys", me, later).json()
    assert made["expiresAt"] == f"{year - 1}-12-31T23:00:00Z"
    grant = {"grant": "api_key", "apiKey": made["key"]}
    expire = "UPDATE api_keys SET expires_at = NOW(6) + INTERVAL %d SECOND"
    execute(auth_database, expire % 300)
    assert one.call("POST", "/v1/token", body=grant).json()["expiresIn"] <= 300
    execute(auth_database, expire % -1)
    assert one.call("POST", "/v1/token", body=grant).status_code == 401


def test_who_is_no_admin_gets_no_key_of_one(replicas: Replicas, name: str):
    one, _ = replicas
    me = one.begin(name, PASSWORD)["accessToken"]
    wanted = {"name": "n", "scopes": ["admin:write"]}
    assert one.call("POST", "/v1/api-keys", me, wanted).status_code == 403


def refuse(service: Service, login: str, address: str) -> requests.Response:
    body = {"login": login, "password": "guessed"}
    return service.call("POST", "/v1/sessions", body=body, headers={"X-Forwarded-For": address})


@pytest.fixture
def clock(auth_database: MySql) -> "Clock":
    return Clock(auth_database)


class Clock:
    """Moves the failures that were counted, for the tests' time is not the machine's."""

    def __init__(self, mysql: MySql) -> None:
        self._mysql = mysql

    def lengthen(self) -> None:
        """Have as many failures as there are made a wait that no slow test outlasts."""
        self._change("failures = failures + 10, last_at = NOW(6)")

    def pass_by(self) -> None:
        """Let an hour go by."""
        self._change("last_at = last_at - INTERVAL 1 HOUR")

    def _change(self, what: str) -> None:
        execute(self._mysql, f"UPDATE failures SET {what}")  # noqa: S608 - ours


def test_guessing_is_slowed_down_by_all_replicas_together(
    replicas: Replicas, name: str, clock: Clock
):
    for attempt in range(5):
        assert refuse(replicas[attempt % 2], name, "198.51.100.20").status_code == 401
    clock.lengthen()
    for replica in replicas:
        answer = refuse(replica, name.upper(), "198.51.100.21")
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 900
        assert replica.login(name, PASSWORD).status_code == 429
    clock.pass_by()
    assert replicas[0].login(name, PASSWORD).status_code == 200
    assert refuse(replicas[1], name, "198.51.100.20").status_code == 401


def test_who_is_nobody_is_answered_as_who_is_somebody(replicas: Replicas, name: str, clock: Clock):
    def answers(login: str, address: str) -> list[tuple[int, object]]:
        found = [refuse(replicas[0], login, address) for _ in range(4)]
        clock.lengthen()
        found.append(refuse(replicas[0], login, address))
        return [(a.status_code, a.json() | {"requestId": ""}) for a in found]

    assert answers(name, "198.51.100.30") == answers("nobody-at-all", "198.51.100.31")


def test_a_user_is_let_in_where_they_are_known_whoever_guesses_elsewhere(
    replicas: Replicas, name: str, clock: Clock
):
    one, other = replicas
    home = {"X-Forwarded-For": "198.51.100.40"}
    one.begin(name, PASSWORD, **home)
    assert refuse(one, name, "198.51.100.41").status_code == 401
    clock.lengthen()
    assert refuse(one, name, "198.51.100.42").status_code == 429
    other.begin(name, PASSWORD, **home)


def test_many_guesses_at_once_are_no_way_around_the_wait(
    replicas: Replicas, name: str, clock: Clock
):
    refuse(replicas[0], name, "198.51.100.50")
    clock.lengthen()
    clock.pass_by()

    def guess(number: int) -> int:
        return refuse(replicas[number % 2], name, "198.51.100.51").status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(guess, range(8))) == [401] + 7 * [429]


def test_requests_are_counted_by_all_replicas_together(replicas: Replicas):
    def ask(number: int, address: str) -> requests.Response:
        body = {"email": f"nobody-{number}@example.org"}
        headers = {"X-Forwarded-For": address}
        return replicas[number % 2].call("POST", "/v1/password-resets", body=body, headers=headers)

    answers = [ask(number, "198.51.100.60") for number in range(5)]
    assert [answer.status_code for answer in answers] == [501, 501, 501, 429, 429]
    left = [re.findall('"letters-86400";r=([0-9]+)', a.headers["RateLimit"]) for a in answers]
    assert left == [["2"], ["1"], ["0"], ["0"], ["0"]]
    assert answers[-1].json()["scope"] == "letters"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 2 * DAY
    assert ask(0, "198.51.100.61").status_code == 501


def test_what_a_known_user_asks_counts_for_the_user_wherever_it_comes_from(
    replicas: Replicas, name: str
):
    one, other = replicas
    granted = one.begin(name, PASSWORD)
    wanted = {"name": "n", "scopes": ["conversions:read"]}
    made = one.call("POST", "/v1/api-keys", granted["accessToken"], wanted)
    grant = {"grant": "api_key", "apiKey": made.json()["key"]}
    answers = [
        made,
        one.call("GET", "/v1/sessions", granted["accessToken"], headers=ELSEWHERE),
        other.call("POST", "/v1/token", body=grant),
    ]
    assert {a.headers["RateLimit-Policy"] for a in answers} == {'"user-86400";q=3000;w=86400'}
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in answers]
    assert left == [left[0], left[0] - 1, left[0] - 2]
    grant["apiKey"] = make_api_key()
    refused = other.call("POST", "/v1/token", body=grant)
    assert refused.status_code == 401
    assert refused.headers["RateLimit"].startswith('"address-')


def test_of_many_requests_at_once_as_many_are_let_in_as_there_is_room_for(auth_database: MySql):
    limiter = Limiter(RateWindows(connect_database(auth_database)), DatabaseUnavailable)
    items = parse_rates("8/day")
    with ThreadPoolExecutor(8) as pool:
        hits = pool.map(lambda _: limiter.hit(Scope.ADDRESS, "many", items)[0], range(24))
        counts = list(hits)
    assert sum(count.allowed for count in counts) == 8
    assert min(count.remaining for count in counts) == 0
    assert limiter.hit(Scope.ADDRESS, "others", items)[0].remaining == 7


def test_a_window_that_has_passed_counts_less_and_less(auth_database: MySql):
    windows = RateWindows(connect_database(auth_database))

    def hit() -> bool:
        return windows.acquire_sliding_window_entry("passing", 10, DAY)

    assert [hit() for _ in range(11)] == 10 * [True] + [False]
    pass_by = "UPDATE rates SET number = number - {} WHERE hits = 10 OR earlier = 10"
    execute(auth_database, pass_by.format(1))
    earlier, left, now, _ = windows.get_sliding_window("passing", DAY)
    assert (earlier, now) == (10, 0)
    room = 10 - int(10 * left / DAY)
    let_in = sum(hit() for _ in range(11))
    assert room <= let_in <= room + 1  # time goes on meanwhile
    execute(auth_database, "UPDATE rates SET number = number - 2")
    assert windows.get_sliding_window("passing", DAY)[::2] == (0, 0)
    assert hit()
