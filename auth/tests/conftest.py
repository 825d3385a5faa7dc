"""Auth's parts over a MySQL that is not there: what needs none works all the same."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.api_keys import ApiKeyStore
from soundstrip_auth.audit import AuditLog
from soundstrip_auth.database import Database, DatabaseUnavailable
from soundstrip_auth.invitations import InvitationStore
from soundstrip_auth.origin import request_origin
from soundstrip_auth.outbox import Outbox
from soundstrip_auth.parts import Parts, Registration
from soundstrip_auth.passwords import Passwords
from soundstrip_auth.rate_windows import RateWindows
from soundstrip_auth.session_store import SessionStore
from soundstrip_auth.sessions import Lifetimes
from soundstrip_auth.signing import KeySchedule
from soundstrip_auth.store import UserStore
from soundstrip_auth.tokens import Tokens
from soundstrip_auth.users import Role, User
from soundstrip_auth.vouchers import VoucherStore
from soundstrip_service.limiter import Limiter
from soundstrip_service.rates import Rates, parse_rates

SECRET = b"0123456789abcdef0123456789abcdef"
LIFETIMES = Lifetimes(timedelta(minutes=10), timedelta(days=14), timedelta(days=90))
RATES = Rates(
    users={"user": parse_rates("6/hour")},
    address=parse_rates("500/hour"),
    login=parse_rates("50/hour"),
    letters=parse_rates("2/hour"),
)
NOWHERE = Database("127.0.0.1", 1, "user", "geheim", "auth")
"""Nothing listens on port 1."""


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def user() -> User:
    return User("5f1d7a84db9c4a5bb1c4d9c8a4b8f0aa", "anna", "anna@example.org", Role.USER)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KeySchedule(SECRET, _now()), _now)


@pytest.fixture
def nowhere() -> Database:
    return NOWHERE


@pytest.fixture
def make_parts(tokens: Tokens) -> Callable[..., Parts]:
    def make(database: Database = NOWHERE, places: int = 2, *, sends_mail: bool = False) -> Parts:
        return Parts(
            accounts=Accounts(database, Passwords(), places),
            users=UserStore(database),
            tokens=tokens,
            sessions=SessionStore(database, LIFETIMES),
            api_keys=ApiKeyStore(database),
            invitations=InvitationStore(database),
            vouchers=VoucherStore(database),
            outbox=Outbox(database),
            audit=AuditLog(database, request_origin),
            lifetimes=LIFETIMES,
            limiter=Limiter(RateWindows(database), DatabaseUnavailable),
            rates=RATES,
            registration=Registration.INVITATION,
            sends_mail=sends_mail,
            poke=lambda: None,
            clock=_now,
            health=database.check,
            hold=database.hold,
        )

    return make
