"""Databases of a real MySQL, for tests."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import mysql.connector as mysql_driver
from tests.containers import Server

MYSQL_PASSWORD = secrets.token_hex(16)


@dataclass(frozen=True)
class MySql:
    """A fresh database."""

    host: str
    port: int
    user: str
    password: str
    database: str


@contextmanager
def mysql_database(server: Server) -> Iterator[MySql]:
    """Lend a fresh database of the server."""
    name = f"test_{secrets.token_hex(6)}"
    _mysql_execute(server, f"CREATE DATABASE {name}")
    yield MySql("127.0.0.1", server.port, "root", MYSQL_PASSWORD, name)
    _mysql_execute(server, f"DROP DATABASE IF EXISTS {name}")


def _mysql_execute(server: Server, statement: str) -> None:
    with (
        mysql_driver.connect(
            host="127.0.0.1",
            port=server.port,
            user="root",
            password=MYSQL_PASSWORD,
            connection_timeout=60,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def mysql_answers(server: Server) -> bool:
    """Tell whether the server is up."""
    try:
        _mysql_execute(server, "DO 1")
    except mysql_driver.Error:
        return False
    return True
