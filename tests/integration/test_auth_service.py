"""Auth as it runs: real processes, a real MySQL."""

import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from tests.auths import (
    ANNA,
    FIRST_USER,
    PASSWORD,
    SECRET_KEY,
    Service,
    await_ready,
    connect_database,
    create_user,
    execute,
    query,
    running_auth,
    starting_auth,
)
from tests.containers import Server, docker
from tests.databases import MySql
from tests.waiting import wait_until

from soundstrip_auth.accounts import Accounts, PasswordWrong
from soundstrip_auth.database import Database
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.schema import migrate
from soundstrip_auth.sessions import Lifetimes
from soundstrip_auth.startup import begin_rotation
from soundstrip_auth.store import UserStore
from soundstrip_auth.tidying import Tidying
from soundstrip_auth.users import Role


@pytest.fixture(scope="module")
def service(auth_database: MySql, auth_directory: Path) -> Iterator[Service]:
    with running_auth(auth_directory, auth_database, **FIRST_USER) as service:
        yield service


@pytest.mark.parametrize("login", ["anna", "ANNA", "anna@example.org"])
def test_the_legacy_interface_holds(service: Service, login: str):
    answer = service.login(login, PASSWORD)
    assert answer.status_code == 200
    assert list(answer.json()) == ["token"]
    for method in ("GET", "POST"):
        validated = service.validate(answer.json()["token"], method)
        assert validated.status_code == 200
        assert validated.json()["username"] == "anna"
    assert service.status("/health") == 200


def test_a_wrong_password_an_unknown_user_and_no_credentials_are_401(service: Service):
    assert service.login("anna", PASSWORD + "x").status_code == 401
    assert service.login("nobody", PASSWORD).status_code == 401
    refused = requests.post(f"{service.url}/login", timeout=20)
    assert (refused.status_code, refused.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert service.validate("no.token.atall").status_code == 401
    assert service.status("/validate") == 401


class Counting(Passwords):
    """Counts how often a password is checked, which is what takes the time."""

    def __init__(self) -> None:
        super().__init__()
        self.checks = 0

    def matches(self, password: str, stored: str | None) -> bool:
        self.checks += 1
        return super().matches(password, stored)


@dataclass(frozen=True)
class CountingDatabase(Database):
    """Counts how often MySQL is asked."""

    uses: list[str] = field(default_factory=list)

    @contextmanager
    def connect(self, answer_seconds: int = 3) -> Iterator[Any]:
        self.uses.append("connect")
        with super().connect(answer_seconds) as connection:
            yield connection


def test_an_unknown_user_takes_as_much_work_as_a_wrong_password(mysql: MySql):
    database = CountingDatabase(mysql.host, mysql.port, mysql.user, mysql.password, mysql.database)
    migrate(database)
    with Counting() as passwords:
        accounts = Accounts(database, passwords)
        accounts.create("anna", "anna@example.org", PASSWORD, Role.USER)
        gone = accounts.create("gone", "gone@example.org", PASSWORD, Role.USER)
        UserStore(database).disable(gone.id)

        def work(login: str, password: str) -> tuple[int, int]:
            checks, uses = passwords.checks, len(database.uses)
            with pytest.raises(PasswordWrong, match="user name or the password is wrong"):
                accounts.log_in(login, password, "192.0.2.1")
            return passwords.checks - checks, len(database.uses) - uses

        wrong = work("anna", "guessed")
        assert wrong[0] == 1
        assert work("nobody", "guessed") == wrong
        assert work("nobody@example.org", "guessed") == wrong
        assert work("gone", PASSWORD) == wrong


def test_a_token_is_checked_by_the_published_keys_alone(service: Service):
    token = service.login("anna", PASSWORD).json()["token"]
    keys = requests.get(f"{service.url}/.well-known/jwks.json", timeout=20).json()
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, algorithms=["EdDSA"], audience="soundstrip", issuer="soundstrip-auth"
    )
    assert claims["email"] == "anna@example.org"
    assert claims["exp"] - claims["iat"] == 24 * 3600


def test_replicas_that_start_at_once_on_an_empty_database_all_come_up_and_agree(
    mysql: MySql, tmp_path: Path
):
    with ExitStack() as stack:
        starts = [starting_auth(tmp_path, mysql, **FIRST_USER) for _ in range(3)]
        replicas = [stack.enter_context(start) for start in starts]
        for replica in replicas:
            await_ready(replica)
        token = replicas[0].login("anna", PASSWORD).json()["token"]
        assert [replica.validate(token).status_code for replica in replicas] == [200] * 3
    assert query(mysql, "SELECT COUNT(DISTINCT version) = COUNT(*) FROM schema_migrations") == [
        (1,)
    ]
    assert query(mysql, "SELECT name, role FROM users") == [("anna", "user")]


def test_a_first_user_who_exists_is_never_changed(
    service: Service, auth_database: MySql, tmp_path: Path
):
    changed = {"FIRST_USER_EMAIL": "other@x.org", "FIRST_USER_PASSWORD": "another password"}
    with running_auth(tmp_path, auth_database, **FIRST_USER | changed) as replica:
        assert replica.login("anna", "another password").status_code == 401
        assert replica.login("anna", PASSWORD).status_code == 200


def test_the_command_makes_a_user_once_and_changes_none(mysql: MySql):
    assert create_user(mysql, *ANNA, "--admin").startswith("0 made user anna")
    before = query(mysql, "SELECT * FROM users")
    assert create_user(mysql, *ANNA, password="another password").startswith("1 ")
    assert create_user(mysql, *ANNA, "--if-absent", password="another one").startswith("0 ")
    assert query(mysql, "SELECT * FROM users") == before
    assert query(mysql, "SELECT name, role FROM users") == [("anna", "admin")]


def test_the_command_refuses_a_password_that_is_too_short(mysql: MySql):
    output = create_user(mysql, *ANNA, password="short")
    assert output.startswith("2 ")
    assert "8 to 256" in output


def test_mysql_that_hangs_is_503_in_bounded_time_and_no_restart_is_needed(
    service: Service, mysql_server: Server
):
    token = service.login("anna", PASSWORD).json()["token"]
    granted = service.begin("anna", PASSWORD)
    mysql_server.pause()
    try:
        started = time.monotonic()
        assert service.status("/health") == 503
        assert service.login("anna", PASSWORD).status_code == 503
        for answer in (
            service.refresh(granted["refreshToken"]),
            service.call("GET", "/v1/sessions", granted["accessToken"]),
        ):
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() - started < 40
        assert service.status("/livez") == 200
        assert service.validate(token).status_code == 200
    finally:
        mysql_server.unpause()
    wait_until(lambda: service.status("/health") == 200, "auth is ready again")
    assert service.login("anna", PASSWORD).status_code == 200
    assert service.refresh(granted["refreshToken"]).status_code == 200
    assert service.process.poll() is None


def test_it_waits_for_a_mysql_that_is_not_up_yet_and_gives_up_with_a_reason(
    mysql: MySql, mysql_server: Server, tmp_path: Path
):
    mysql_server.pause()
    try:
        with starting_auth(tmp_path, mysql) as service:
            wait_until(lambda: "waiting for MySQL" in service.log.read_text(), "auth waits")
            mysql_server.unpause()
            await_ready(service)
        mysql_server.pause()
        with starting_auth(tmp_path, mysql, MYSQL_WAIT_SECONDS="1") as service:
            assert service.process.wait(120) == 1
            assert "does not answer" in service.log.read_text()
    finally:
        if "true" in docker("inspect", "--format={{.State.Paused}}", mysql_server.name):
            mysql_server.unpause()


def test_no_password_and_no_token_is_ever_in_the_log(service: Service):
    def refusals() -> int:
        return service.log.read_text().count('"status": 401')

    before, token = refusals(), service.login("anna", PASSWORD).json()["token"]
    service.validate(token)
    service.login("anna", "wrong " + PASSWORD)
    requests.get(f"{service.url}/validate?token={token}", timeout=20)
    wait_until(lambda: refusals() >= before + 2, "all is logged")
    log = service.log.read_text()
    for secret in (PASSWORD, token, SECRET_KEY):
        assert secret not in log


def test_the_secret_is_changed_without_logging_anybody_out(mysql: MySql, tmp_path: Path):
    new = secrets.token_hex(32)
    with running_auth(tmp_path, mysql, **FIRST_USER) as before:
        token = before.login("anna", PASSWORD).json()["token"]
        refresh_token = before.begin("anna", PASSWORD)["refreshToken"]
    both = {"SECRET_KEY": new, "SECRET_KEY_PREVIOUS": SECRET_KEY}
    with running_auth(tmp_path, mysql, **both) as after:
        assert after.validate(token).status_code == 200
        fresh = after.refresh(refresh_token).json()["accessToken"]
    with running_auth(tmp_path, mysql, SECRET_KEY=new) as alone:
        assert alone.validate(token).status_code == 401
        assert alone.validate(fresh).status_code == 200


def test_keys_have_rotated_since_the_same_moment_for_all_replicas(mysql: MySql):
    database = connect_database(mysql)
    migrate(database)
    assert begin_rotation(database) == begin_rotation(database)


def test_what_is_over_is_removed_and_the_rest_stays(mysql: MySql):
    database = connect_database(mysql)
    migrate(database)
    for age in (0, 400):
        for row in (
            f"failures VALUES (UNHEX(SHA2('{age}', 256)), 9, @past)",
            f"letters VALUES ('reset', '{age}@b.de', 1, NOW(6), @past)",
            f"audit VALUES (NULL, @past, NULL, 'logged in', NULL, '192.0.2.1', '{age}')",
        ):
            past = f"NOW(6) - INTERVAL {age} DAY"
            execute(mysql, "INSERT INTO " + row.replace("@past", past))
    execute(mysql, "INSERT INTO letters (purpose, email) VALUES ('reset', 'waits@b.de')")
    lifetimes = Lifetimes(timedelta(minutes=10), timedelta(days=14), timedelta(days=90))
    Tidying(database, lifetimes, audit=timedelta(days=365)).tidy()
    assert query(mysql, "SELECT COUNT(*) FROM failures") == [(1,)]
    assert query(mysql, "SELECT request_id FROM audit") == [("0",)]
    assert query(mysql, "SELECT email FROM letters ORDER BY email") == [
        ("0@b.de",),
        ("waits@b.de",),
    ]


def test_sigterm_ends_it_with_0(mysql: MySql, tmp_path: Path):
    with running_auth(tmp_path, mysql) as service:
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
