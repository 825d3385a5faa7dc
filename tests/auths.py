"""Auth as a process of its own, for tests."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mysql.connector as mysql_driver
import pytest
import requests
from tests.containers import Server
from tests.databases import MySql, mysql_database
from tests.processes import free_port
from tests.waiting import wait_until

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.database import Database
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.users import Role

SECRET_KEY = secrets.token_hex(32)
PASSWORD = secrets.token_hex(12)
FIRST_USER = {
    "FIRST_USER_NAME": "anna",
    "FIRST_USER_EMAIL": "anna@example.org",
    "FIRST_USER_PASSWORD": PASSWORD,
}
ANNA = ["--name", "anna", "--email", "anna@example.org"]
COMMAND = [sys.executable, "-m", "soundstrip_auth"]
_PLENTY = "1000000/hour"
"""For limits that no test is to meet but those of limits."""


@dataclass(frozen=True)
class Service:
    """A running `python -m soundstrip_auth`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def call(
        self,
        method: str,
        path: str,
        token: str = "",
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send JSON, as whoever the token is of."""
        own = {"Authorization": f"Bearer {token}"} if token else {}
        url, all_headers = self.url + path, own | dict(headers or {})
        return requests.request(method, url, json=body, headers=all_headers, timeout=60)

    def begin(self, name: str, password: str, **headers: str) -> dict[str, Any]:
        """Begin a session."""
        body = {"login": name, "password": password}
        answer = self.call("POST", "/v1/sessions", body=body, headers=headers)
        assert answer.status_code == 201, answer.text
        granted: dict[str, Any] = answer.json()
        return granted

    def refresh(self, token: str) -> requests.Response:
        """Use a refresh token."""
        body = {"grant": "refresh_token", "refreshToken": token}
        return self.call("POST", "/v1/token", body=body)

    def login(self, name: str, password: str) -> requests.Response:
        return requests.post(f"{self.url}/login", auth=(name, password), timeout=60)

    def validate(self, token: str, method: str = "GET") -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.request(method, f"{self.url}/validate", headers=headers, timeout=60)

    def status(self, path: str) -> int:
        try:
            return requests.get(self.url + path, timeout=60).status_code
        except requests.ConnectionError:
            return 0


def environment(mysql: MySql, **more: str) -> dict[str, str]:
    """Return the variables of an auth that works on this database."""
    return os.environ | {
        "MYSQL_HOST": mysql.host,
        "MYSQL_PORT": str(mysql.port),
        "MYSQL_USER": mysql.user,
        "MYSQL_PASSWORD": mysql.password,
        "MYSQL_DB": mysql.database,
        "SECRET_KEY": SECRET_KEY,
        "RATE_LIMIT_ADDRESS": _PLENTY,
        "RATE_LIMIT_LOGIN": _PLENTY,
        "RATE_LIMIT_LETTERS": _PLENTY,
    } | more  # fmt: skip


@contextmanager
def starting_auth(directory: Path, mysql: MySql, **settings: str) -> Iterator[Service]:
    """Run auth until the block ends; it need not be up yet."""
    port = free_port()
    log = directory / f"auth-{port}.log"
    variables = environment(mysql, **settings) | {"HOST": "127.0.0.1", "PORT": str(port)}
    with log.open("wb") as output:
        process = subprocess.Popen(COMMAND, env=variables, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Service(process, f"http://127.0.0.1:{port}", log)
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_auth(directory: Path, mysql: MySql, **settings: str) -> Iterator[Service]:
    """Run auth until the block ends; it is up."""
    with starting_auth(directory, mysql, **settings) as service:
        await_ready(service)
        yield service


def await_ready(service: Service) -> None:
    wait_until(lambda: service.status("/health") == 200, "auth is ready")


@pytest.fixture(scope="module")
def auth_database(mysql_server: Server) -> Iterator[MySql]:
    """The database of a module's auth."""
    with mysql_database(mysql_server) as mysql:
        yield mysql


@pytest.fixture(scope="module")
def auth_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the logs of a module's auth go."""
    return tmp_path_factory.mktemp("auth")


def connect_database(mysql: MySql) -> Database:
    """Return the database as auth uses it."""
    return Database(mysql.host, mysql.port, mysql.user, mysql.password, mysql.database)


def add_user(mysql: MySql, name: str, role: Role = Role.USER) -> str:
    """Make a user where auth has run already, and return the id."""
    with Passwords() as passwords:
        accounts = Accounts(connect_database(mysql), passwords)
        return accounts.create(name, f"{name}@example.org", PASSWORD, role).id


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
        timeout=120,
    )
    return f"{done.returncode} {done.stdout}"


def query(mysql: MySql, statement: str) -> list[tuple[object, ...]]:
    """Return the rows that a SELECT finds."""
    with _connect(mysql) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def execute(mysql: MySql, statement: str) -> None:
    """Change what auth has stored."""
    with _connect(mysql) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def _connect(mysql: MySql) -> Any:
    return mysql_driver.connect(
        host=mysql.host,
        port=mysql.port,
        user=mysql.user,
        password=mysql.password,
        database=mysql.database,
        connection_timeout=60,
        autocommit=True,
        time_zone="+00:00",
    )
