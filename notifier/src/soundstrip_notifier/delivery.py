"""The work itself: from a message of the queue to an e-mail that was sent at most once."""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from soundstrip_crds.events import CloudEvent
from soundstrip_notifier.errors import Malformed, Unavailable
from soundstrip_notifier.ledger import Ledger, delivery_key
from soundstrip_notifier.letter import parse_event, write_letter
from soundstrip_notifier.outcome import Done, Failed, Hopeless, Outcome, Postponed
from soundstrip_notifier.turns import Turns
from soundstrip_service.addresses import Address, AddressRefused, parse_address
from soundstrip_service.mailer import LetterRefused, Mailer, MailUnavailable
from soundstrip_service.tracing import Role, TraceContext, Tracing

CHANNEL = "email"


class EmailDelivery:
    """Tells the owner of a conversion by e-mail; safe to use from several threads."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        mailer: Mailer,
        sender: Address,
        public_url: str,
        tracing: Tracing,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._ledger = ledger
        self._mailer = mailer
        self._sender = sender
        self._public_url = public_url
        self._tracing = tracing
        self._clock = clock
        self._turns = Turns()

    def handle(self, body: bytes) -> Outcome:
        """Do what this message asks for, and say what became of it."""
        try:
            event = parse_event(body)
        except Malformed as error:
            return Hopeless(str(error))
        structlog.contextvars.bind_contextvars(
            conversion=event.data.name, run=event.data.run, event_id=event.id
        )
        if event.data.email is None:
            return Done("nothing to do: the owner wants no e-mail")
        context = TraceContext.parse(event.traceparent or None)
        with self._tracing.span("notify", context, Role.CONSUMER) as span:
            with self._turns.take(event.id):
                outcome = self._deliver(event, event.data.email)
            span.attributes["soundstrip.conversion"] = event.data.name
            span.error = None if isinstance(outcome, Done) else type(outcome).__name__
        return outcome

    def _deliver(self, event: CloudEvent, email: str) -> Outcome:
        key = delivery_key(event.id, CHANNEL, email)
        try:
            if self._ledger.was_delivered(key):
                return Done("nothing to do: it was sent before")
        except Unavailable as error:
            return Postponed(str(error))
        try:
            self._send(event, email)
        except (AddressRefused, LetterRefused) as error:
            return Hopeless(str(error))
        except MailUnavailable as error:
            return Failed(str(error))
        return self._record(key)

    def _send(self, event: CloudEvent, email: str) -> None:
        recipient = parse_address(email)
        letter = write_letter(event, self._sender, recipient, self._public_url, self._clock())
        self._mailer.send(letter)

    def _record(self, key: str) -> Outcome:
        try:
            self._ledger.record(key)
        except Unavailable as error:
            return Postponed(f"sent, and not yet recorded: {error}")
        return Done("sent")
