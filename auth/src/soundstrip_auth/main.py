"""Reads the settings, builds the objects, and runs the command."""

import argparse
import getpass
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NoReturn

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.app import create_app
from soundstrip_auth.database import Database, DatabaseUnavailable
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.settings import AuthSettings, CreateUserSettings, DatabaseSettings
from soundstrip_auth.startup import create_first_user, prepare_database
from soundstrip_auth.store import UserStore
from soundstrip_auth.tokens import TokenKey
from soundstrip_auth.users import Role, UserExists, UserRefused
from soundstrip_service.logs import configure_logs
from soundstrip_service.server import serve
from soundstrip_service.settings import (
    EXIT_USAGE,
    describe_settings,
    load_settings,
    read_settings,
)

_PROGRAM = "python -m soundstrip_auth"
_DESCRIPTION = """Serves Soundstrip's users, passwords and tokens over HTTP.

The command `create-user` makes a user instead; see `create-user --help`."""
_CREATE_USER = """Makes a user.

The password is read from USER_PASSWORD or, when that is not set, from the first line of stdin.
A user who exists is never changed: when somebody has the name or the e-mail already, the command
fails with exit code 1, or with --if-absent succeeds and says so."""
_SPARE_THREADS = 2
"""Threads that logins leave to /livez, /health and /validate."""


def main(argv: Sequence[str]) -> NoReturn:
    """Run the command that the arguments name; exits with 0, 1 (the world) or 2 (the caller)."""
    try:
        if argv[:1] == ["create-user"]:
            _create_user(argv[1:])
        else:
            _serve(argv)
    except UserRefused as error:
        _fail(str(error), EXIT_USAGE)
    except (DatabaseUnavailable, UserExists) as error:
        _fail(str(error), 1)
    sys.exit(0)


def _serve(argv: Sequence[str]) -> NoReturn:
    settings = load_settings(AuthSettings, program=_PROGRAM, description=_DESCRIPTION, argv=argv)
    _configure_logs(settings)
    database = _database(settings)
    prepare_database(database, settings.mysql_wait_seconds)
    _create_first_user(UserStore(database), settings)
    accounts = Accounts(UserStore(database), Passwords(), settings.threads - _SPARE_THREADS)
    key = TokenKey(settings.secret_key.get_secret_value().encode())
    serve(
        create_app(accounts, key, database.check, lambda: datetime.now(UTC)),
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        timeout_seconds=settings.timeout_seconds,
    )


def _create_user(argv: Sequence[str]) -> None:
    wanted = _parse_create_user(argv)
    settings = read_settings(CreateUserSettings, program=f"{_PROGRAM} create-user")
    _configure_logs(settings)
    database = _database(settings)
    prepare_database(database, settings.mysql_wait_seconds)
    role = Role.ADMIN if wanted.admin else Role.USER
    accounts = Accounts(UserStore(database), Passwords())
    try:
        user = accounts.create(wanted.name, wanted.email, _read_password(settings), role)
        print(f"made user {user.name} with id {user.id}")
    except UserExists as error:
        if not wanted.if_absent:
            raise
        print(f"{error} Nothing was changed.")


def _configure_logs(settings: DatabaseSettings) -> None:
    configure_logs(settings.log_level)
    logging.getLogger("mysql.connector").setLevel(logging.WARNING)  # it tells of each connection


def _parse_create_user(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"{_PROGRAM} create-user",
        description=_CREATE_USER,
        epilog=describe_settings(CreateUserSettings),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", required=True, help="the name to log in with")
    parser.add_argument("--email", required=True, help="the e-mail address, to log in with too")
    parser.add_argument("--admin", action="store_true", help="give the role admin")
    parser.add_argument("--if-absent", action="store_true", help="succeed when the user exists")
    return parser.parse_args(argv)


def _read_password(settings: CreateUserSettings) -> str:
    if settings.user_password is not None:
        return settings.user_password.get_secret_value()
    if sys.stdin.isatty():
        return getpass.getpass("password of the new user: ")
    return sys.stdin.readline().rstrip("\r\n")


def _create_first_user(store: UserStore, settings: AuthSettings) -> None:
    name, email = settings.first_user_name, settings.first_user_email
    password = settings.first_user_password
    if name is not None and email is not None and password is not None:
        with Passwords() as passwords:
            create_first_user(Accounts(store, passwords), name, email, password.get_secret_value())


def _database(settings: DatabaseSettings) -> Database:
    return Database(
        host=settings.mysql_host,
        port=settings.mysql_port,
        user=settings.mysql_user,
        password=settings.mysql_password.get_secret_value(),
        name=settings.mysql_db,
    )


def _fail(message: str, code: int) -> NoReturn:
    print(f"{_PROGRAM}: {message}", file=sys.stderr)
    sys.exit(code)
