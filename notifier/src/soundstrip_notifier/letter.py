"""The e-mail itself: from an event to the bytes that go over the wire. Pure."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from typing import assert_never

import msgspec

from soundstrip_crds.events import CloudEvent
from soundstrip_notifier.address import Address
from soundstrip_notifier.errors import Malformed
from soundstrip_notifier.wording import (
    Wording,
    describe_failure,
    describe_success,
    write_html,
    write_text,
)

SENDER_NAME = "Soundstrip"
MESSAGE_ID_DOMAIN = "soundstrip"

_DOT_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_LONGEST_ID = 50
"""Longer ones would fold the header line, and some readers keep the fold."""
_decoder = msgspec.json.Decoder(CloudEvent)


@dataclass(frozen=True)
class Letter:
    """One e-mail to one person; `content` has CRLF line ends, ready for DATA."""

    sender: Address
    recipient: Address
    content: bytes

    @property
    def is_international(self) -> bool:
        """Whether the server must know SMTPUTF8 (RFC 6531) to take it."""
        return not (self.recipient.local.isascii() and self.sender.local.isascii())


def parse_event(body: bytes) -> CloudEvent:
    """Parse a message of the queue.

    Raises:
        Malformed: it is no event of ours; the text says where, and quotes nothing of it.
    """
    try:
        event = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not an event that is understood: {error}") from error
    if event.type == "dev.soundstrip.conversion.succeeded" and event.data.result is None:
        raise Malformed("the event says that a conversion succeeded, and names no result")
    return event


def write_letter(
    event: CloudEvent, sender: Address, recipient: Address, public_url: str, now: datetime
) -> Letter:
    """Write the e-mail that tells of this event; the same event has the same Message-ID."""
    wording = choose_wording(event, public_url)
    message = EmailMessage(policy=SMTP)
    message["From"] = HeaderAddress(SENDER_NAME, sender.local, sender.domain)
    message["To"] = HeaderAddress("", recipient.local, recipient.domain)
    message["Subject"] = wording.subject
    message["Date"] = now
    message["Message-ID"] = message_id(event.id)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(write_text(wording), cte="quoted-printable")
    message.add_alternative(write_html(wording), subtype="html", cte="quoted-printable")
    draft = Letter(sender, recipient, b"")
    policy = SMTPUTF8 if draft.is_international else SMTP
    return Letter(sender, recipient, message.as_bytes(policy=policy))


def choose_wording(event: CloudEvent, public_url: str) -> Wording:
    """Say what this event means to its owner."""
    match event.type:
        case "dev.soundstrip.conversion.succeeded":
            if event.data.result is None:
                raise Malformed("a success without a result")
            return describe_success(event.data, event.data.result, public_url)
        case "dev.soundstrip.conversion.failed":
            return describe_failure(event.data)
        case _:
            assert_never(event.type)


def message_id(event_id: str) -> str:
    """Return `<event id@soundstrip>`, or a digest in the id's place if it may not stand there."""
    if len(event_id) > _LONGEST_ID or not _DOT_ATOM.fullmatch(event_id):
        event_id = hashlib.sha256(event_id.encode()).hexdigest()[:_LONGEST_ID]
    return f"<{event_id}@{MESSAGE_ID_DOMAIN}>"
