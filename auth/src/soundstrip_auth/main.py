"""Reads the settings, builds the objects, and runs the command."""

import argparse
import getpass
import logging
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.api_keys import ApiKeyStore
from soundstrip_auth.app import create_app
from soundstrip_auth.audit import AuditLog
from soundstrip_auth.clerk import Clerk
from soundstrip_auth.database import Database, DatabaseUnavailable
from soundstrip_auth.document import ABOUT, NEIGHBOUR
from soundstrip_auth.invitations import InvitationStore
from soundstrip_auth.letters import Places
from soundstrip_auth.origin import request_origin
from soundstrip_auth.outbox import Outbox
from soundstrip_auth.parts import Parts
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.postman import Postman
from soundstrip_auth.rate_windows import RateWindows
from soundstrip_auth.session_store import SessionStore
from soundstrip_auth.sessions import Lifetimes
from soundstrip_auth.settings import AuthSettings, CreateUserSettings, DatabaseSettings
from soundstrip_auth.signing import KeySchedule
from soundstrip_auth.startup import begin_rotation, create_first_user, prepare_database
from soundstrip_auth.store import UserStore
from soundstrip_auth.tidying import Tidying
from soundstrip_auth.tokens import Tokens
from soundstrip_auth.users import Role, UserExists, UserRefused
from soundstrip_auth.vouchers import VoucherStore
from soundstrip_service.addresses import parse_address
from soundstrip_service.limiter import Limiter
from soundstrip_service.logs import configure_logs
from soundstrip_service.mailer import Mailer
from soundstrip_service.mailing import smtp_server
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
    database = _open_database(settings)
    prepare_database(database, settings.mysql_wait_seconds)
    _create_first_user(database, settings)
    clerk = _build_clerk(settings, database)
    parts = _build_parts(settings, database, begin_rotation(database), clerk.poke)
    serve(
        create_app(
            parts,
            settings.trusted_proxies,
            ABOUT.beside(NEIGHBOUR, settings.gateway_url),
            settings.origins,
            settings.hsts_seconds,
        ),
        host=settings.host,
        port=settings.port,
        threads=settings.threads,
        timeout_seconds=settings.timeout_seconds,
        pace=settings.pace,
        background=(clerk.run,),
    )


def _create_user(argv: Sequence[str]) -> None:
    wanted = _parse_create_user(argv)
    settings = read_settings(CreateUserSettings, program=f"{_PROGRAM} create-user")
    _configure_logs(settings)
    database = _open_database(settings)
    prepare_database(database, settings.mysql_wait_seconds)
    role = Role.ADMIN if wanted.admin else Role.USER
    accounts = Accounts(database, Passwords())
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


def _create_first_user(database: Database, settings: AuthSettings) -> None:
    name, email = settings.first_user_name, settings.first_user_email
    password = settings.first_user_password
    if name is not None and email is not None and password is not None:
        with Passwords() as passwords:
            accounts = Accounts(database, passwords)
            create_first_user(accounts, name, email, password.get_secret_value())


def _open_database(settings: DatabaseSettings) -> Database:
    """Return the database; nothing is connected to yet."""
    return Database(
        host=settings.mysql_host,
        port=settings.mysql_port,
        user=settings.mysql_user,
        password=settings.mysql_password.get_secret_value(),
        name=settings.mysql_db,
    )


def _build_parts(
    settings: AuthSettings,
    database: Database,
    rotating_since: datetime,
    poke: Callable[[], None],
) -> Parts:
    """Return what the routes work with."""
    lifetimes = _lifetimes(settings)
    return Parts(
        accounts=Accounts(database, Passwords(), settings.threads - _SPARE_THREADS),
        users=UserStore(database),
        tokens=Tokens(_keys(settings, rotating_since), _now),
        sessions=SessionStore(database, lifetimes),
        api_keys=ApiKeyStore(database),
        invitations=InvitationStore(database),
        vouchers=VoucherStore(database),
        outbox=Outbox(database),
        audit=AuditLog(database, request_origin),
        lifetimes=lifetimes,
        limiter=Limiter(RateWindows(database), DatabaseUnavailable),
        rates=settings.all_rates,
        registration=settings.registration,
        sends_mail=settings.gmail_address is not None,
        poke=poke,
        clock=_now,
        health=database.check,
        hold=database.hold,
    )


def _build_clerk(settings: AuthSettings, database: Database) -> Clerk:
    """Return who sends the letters, if there is a mail server, and tidies up."""
    postman = _postman(settings, database)
    tidying = Tidying(database, _lifetimes(settings), timedelta(days=settings.audit_days))
    return Clerk(postman.deliver if postman else None, tidying.tidy)


def _postman(settings: AuthSettings, database: Database) -> Postman | None:
    if settings.gmail_address is None:
        return None
    return Postman(
        outbox=Outbox(database),
        users=UserStore(database),
        invitations=InvitationStore(database),
        vouchers=VoucherStore(database),
        mailer=Mailer(smtp_server(settings, settings.gmail_address)),
        sender=parse_address(settings.gmail_address),
        places=Places(settings.auth_url, settings.account_page_url),
        clock=_now,
    )


def _lifetimes(settings: AuthSettings) -> Lifetimes:
    return Lifetimes(
        access=timedelta(seconds=settings.access_token_seconds),
        idle=timedelta(seconds=settings.session_idle_seconds),
        session=timedelta(seconds=settings.session_seconds),
    )


def _keys(settings: AuthSettings, rotating_since: datetime) -> KeySchedule:
    secret = settings.secret_key.get_secret_value().encode()
    previous = settings.secret_key_previous
    others = [] if previous is None else [previous.get_secret_value().encode()]
    return KeySchedule(secret, rotating_since, others)


def _now() -> datetime:
    return datetime.now(UTC)


def _fail(message: str, code: int) -> NoReturn:
    print(f"{_PROGRAM}: {message}", file=sys.stderr)
    sys.exit(code)
