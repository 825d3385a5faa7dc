"""Auth as it runs: real processes, a real MySQL."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt
import mysql.connector as mysql_driver
import pytest
import requests
from tests.containers import Server, docker
from tests.integration.conftest import MySql, mysql_database
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)  # MySQL's first start is part of the first test

SECRET_KEY = secrets.token_hex(32)
PASSWORD = secrets.token_hex(12)
FIRST_USER = {
    "FIRST_USER_NAME": "anna",
    "FIRST_USER_EMAIL": "anna@example.org",
    "FIRST_USER_PASSWORD": PASSWORD,
}
ANNA = ["--name", "anna", "--email", "anna@example.org"]
COMMAND = [sys.executable, "-m", "soundstrip_auth"]


@dataclass(frozen=True)
class Service:
    """A running `python -m soundstrip_auth`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def login(self, name: str, password: str) -> requests.Response:
        return requests.post(f"{self.url}/login", auth=(name, password), timeout=20)

    def validate(self, token: str, method: str = "GET") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, f"{self.url}/validate", headers=headers, timeout=20)

    def status(self, path: str) -> int:
        try:
            return requests.get(self.url + path, timeout=20).status_code
        except requests.ConnectionError:
            return 0


def environment(mysql: MySql, **more: str) -> dict[str, str]:
    return os.environ | {
        "MYSQL_HOST": mysql.host,
        "MYSQL_PORT": str(mysql.port),
        "MYSQL_USER": mysql.user,
        "MYSQL_PASSWORD": mysql.password,
        "MYSQL_DB": mysql.database,
        "SECRET_KEY": SECRET_KEY,
    } | more  # fmt: skip


def start(directory: Path, variables: Mapping[str, str]) -> Service:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = directory / f"auth-{port}.log"
    own = {"HOST": "127.0.0.1", "PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            COMMAND, env=dict(variables) | own, stdout=output, stderr=subprocess.STDOUT
        )
    return Service(process, f"http://127.0.0.1:{port}", log)


@contextmanager
def running(directory: Path, variables: Mapping[str, str]) -> Iterator[Service]:
    service = start(directory, variables)
    try:
        yield service
    finally:
        service.process.terminate()
        try:
            service.process.wait(20)
        except subprocess.TimeoutExpired:
            service.process.kill()
            service.process.wait()


def await_ready(service: Service) -> None:
    wait_until(lambda: service.status("/health") == 200, "auth is ready")


def create_user(mysql: MySql, *arguments: str, password: str = PASSWORD) -> str:
    """Run the command with the password on stdin, and return its output."""
    done = subprocess.run(
        [*COMMAND, "create-user", *arguments],
        env=environment(mysql),
        input=password + "\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return f"{done.returncode} {done.stdout}"


def query(mysql: MySql, statement: str) -> list[tuple[object, ...]]:
    with (
        mysql_driver.connect(
            host=mysql.host,
            port=mysql.port,
            user=mysql.user,
            password=mysql.password,
            database=mysql.database,
            connection_timeout=5,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def mysql_of_service(mysql_server: Server) -> Iterator[MySql]:
    with mysql_database(mysql_server) as mysql:
        yield mysql


@pytest.fixture(scope="module")
def service(mysql_of_service: MySql, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    variables = environment(mysql_of_service, **FIRST_USER)
    with running(tmp_path_factory.mktemp("auth"), variables) as service:
        await_ready(service)
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


def test_an_unknown_user_takes_as_long_as_a_wrong_password(service: Service):
    def refuse(login: str) -> float:
        started = time.perf_counter()
        assert service.login(login, "wrong password").status_code == 401
        return time.perf_counter() - started

    pairs = [(refuse("nobody"), refuse("anna")) for _ in range(9)]
    unknown, wrong = (sorted(times)[4] for times in zip(*pairs, strict=True))
    assert unknown > 0.5 * wrong


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
    variables = environment(mysql, **FIRST_USER)
    with ExitStack() as stack:
        replicas = [stack.enter_context(running(tmp_path, variables)) for _ in range(3)]
        for replica in replicas:
            await_ready(replica)
        token = replicas[0].login("anna", PASSWORD).json()["token"]
        assert [replica.validate(token).status_code for replica in replicas] == [200] * 3
    assert query(mysql, "SELECT version FROM schema_migrations ORDER BY version") == [(1,)]
    assert query(mysql, "SELECT name, role FROM users") == [("anna", "user")]


def test_a_first_user_who_exists_is_never_changed(
    service: Service, mysql_of_service: MySql, tmp_path: Path
):
    changed = {"FIRST_USER_EMAIL": "other@x.org", "FIRST_USER_PASSWORD": "another password"}
    with running(tmp_path, environment(mysql_of_service, **FIRST_USER | changed)) as replica:
        await_ready(replica)
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
    mysql_server.pause()
    try:
        started = time.monotonic()
        assert service.status("/health") == 503
        assert service.login("anna", PASSWORD).status_code == 503
        assert time.monotonic() - started < 20
        assert service.status("/livez") == 200
        assert service.validate(token).status_code == 200
    finally:
        mysql_server.unpause()
    wait_until(lambda: service.status("/health") == 200, "auth is ready again")
    assert service.login("anna", PASSWORD).status_code == 200
    assert service.process.poll() is None


def test_it_waits_for_a_mysql_that_is_not_up_yet_and_gives_up_with_a_reason(
    mysql: MySql, mysql_server: Server, tmp_path: Path
):
    mysql_server.pause()
    try:
        with running(tmp_path, environment(mysql)) as service:
            wait_until(lambda: "waiting for MySQL" in service.log.read_text(), "auth waits")
            mysql_server.unpause()
            await_ready(service)
        mysql_server.pause()
        with running(tmp_path, environment(mysql, MYSQL_WAIT_SECONDS="1")) as service:
            assert service.process.wait(30) == 1
            assert "does not answer" in service.log.read_text()
    finally:
        if "true" in docker("inspect", "--format={{.State.Paused}}", mysql_server.name):
            mysql_server.unpause()


def test_no_password_and_no_token_is_ever_in_the_log(service: Service):
    token = service.login("anna", PASSWORD).json()["token"]
    service.validate(token)
    service.login("anna", "wrong " + PASSWORD)
    requests.get(f"{service.url}/validate?token={token}", timeout=20)
    wait_until(lambda: service.log.read_text().count('"status": 401') >= 2, "all is logged")
    log = service.log.read_text()
    for secret in (PASSWORD, token, SECRET_KEY):
        assert secret not in log


def test_sigterm_ends_it_with_0(mysql: MySql, tmp_path: Path):
    with running(tmp_path, environment(mysql)) as service:
        await_ready(service)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(20) == 0
