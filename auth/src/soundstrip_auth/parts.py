"""All that the routes work with."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from soundstrip_auth.accounts import Accounts
from soundstrip_auth.api_keys import ApiKeyStore
from soundstrip_auth.audit import AuditLog
from soundstrip_auth.invitations import InvitationStore
from soundstrip_auth.outbox import Outbox
from soundstrip_auth.session_store import SessionStore
from soundstrip_auth.sessions import Lifetimes
from soundstrip_auth.store import UserStore
from soundstrip_auth.tokens import Tokens
from soundstrip_auth.vouchers import VoucherStore
from soundstrip_service.limiter import Limiter
from soundstrip_service.rates import Rates


class Registration(StrEnum):
    """Who may become a user without an admin's making them one."""

    OFF = "off"
    INVITATION = "invitation"
    OPEN = "open"


@dataclass(frozen=True)
class Parts:
    """Built by main alone."""

    accounts: Accounts
    users: UserStore
    tokens: Tokens
    sessions: SessionStore
    api_keys: ApiKeyStore
    invitations: InvitationStore
    vouchers: VoucherStore
    outbox: Outbox
    audit: AuditLog
    lifetimes: Lifetimes
    limiter: Limiter
    rates: Rates
    registration: Registration
    sends_mail: bool
    poke: Callable[[], None]
    """Has what waits in the outbox looked at."""
    clock: Callable[[], datetime]
    health: Callable[[], None]
    hold: Callable[[], AbstractContextManager[None]]
    """Has what is done in the block use one connection to MySQL."""
