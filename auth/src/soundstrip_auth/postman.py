"""Writes and sends the letters that wait in the outbox."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

import structlog

from soundstrip_auth.invitations import InvitationStore, InvitationUnknown
from soundstrip_auth.letters import Places, write_registration, write_reminder, write_reset
from soundstrip_auth.outbox import MOST_ATTEMPTS, Commission, Outbox
from soundstrip_auth.store import UserStore
from soundstrip_auth.vouchers import Purpose, VoucherStore
from soundstrip_service.addresses import Address, AddressRefused, parse_address
from soundstrip_service.letters import Words, compose
from soundstrip_service.mailer import LetterRefused, Mailer, MailUnavailable

_MESSAGE_ID = "<{}@soundstrip>"

log = structlog.get_logger("soundstrip.auth")


@dataclass(frozen=True)
class Postman:
    """Makes a token when its letter is sent, and keeps nothing of it but the hash."""

    outbox: Outbox
    users: UserStore
    invitations: InvitationStore
    vouchers: VoucherStore
    mailer: Mailer
    sender: Address
    places: Places
    clock: Callable[[], datetime]

    def deliver(self) -> None:
        """Send what is due; what can't be sent now waits for later.

        Raises:
            DatabaseUnavailable: If MySQL cannot be used.
        """
        while (commission := self.outbox.take()) is not None:
            if commission.attempts > MOST_ATTEMPTS:  # each of them ended in nothing that we know
                log.error("letter given up", purpose=commission.purpose.value)
                self.outbox.finish(commission)
            else:
                self._deliver(commission)

    def _deliver(self, commission: Commission) -> None:
        try:
            words = self._write(commission)
            if words is not None:
                self._send(words, commission.email)
                log.info("letter sent", purpose=commission.purpose.value)
        except (AddressRefused, LetterRefused) as error:
            log.warning("letter refused", purpose=commission.purpose.value, reason=str(error))
        except MailUnavailable as error:
            again = self.outbox.postpone(commission)
            log.warning(
                "letter not sent", reason=str(error), attempts=commission.attempts, again=again
            )
            return
        self.outbox.finish(commission)

    def _write(self, commission: Commission) -> Words | None:
        """Return what to say; None if there is nothing to be said to this address."""
        match commission.purpose:
            case Purpose.RESET:
                return self._write_reset(commission.email)
            case Purpose.REGISTRATION:
                return self._write_registration(commission.email)
            case Purpose.INVITATION:
                return self._write_invitation(commission.email)
            case _:
                assert_never(commission.purpose)

    def _write_reset(self, email: str) -> Words | None:
        account = self.users.find(email)
        if account is None or not account.is_enabled:
            return None
        token = self.vouchers.make(Purpose.RESET, account.user.id)
        return write_reset(self.places, account.user.name, token)

    def _write_registration(self, email: str) -> Words:
        account = self.users.find(email)
        if account is not None:
            return write_reminder(account.user.name)
        token = self.vouchers.make(Purpose.REGISTRATION, email)
        return write_registration(self.places, Purpose.REGISTRATION, token)

    def _write_invitation(self, email: str) -> Words | None:
        try:
            invitation = self.invitations.find(email)
        except InvitationUnknown:
            return None
        token = self.vouchers.make(Purpose.INVITATION, invitation.id)
        return write_registration(self.places, Purpose.INVITATION, token)

    def _send(self, words: Words, email: str) -> None:
        message_id = _MESSAGE_ID.format(uuid.uuid4().hex)
        recipient = parse_address(email)
        self.mailer.send(compose(words, self.sender, recipient, message_id, self.clock()))
