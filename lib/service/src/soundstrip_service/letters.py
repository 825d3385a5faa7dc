"""E-mails: from words to the bytes that go over the wire. Pure."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from soundstrip_service.addresses import Address

SENDER_NAME = "Soundstrip"


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


@dataclass(frozen=True)
class Words:
    """What an e-mail says, as plain text and, if that is there too, as HTML."""

    subject: str
    text: str
    html: str | None = None


def compose(
    words: Words, sender: Address, recipient: Address, message_id: str, now: datetime
) -> Letter:
    """Return the letter; it is marked as one that a machine has written (RFC 3834)."""
    message = EmailMessage(policy=SMTP)
    message["From"] = HeaderAddress(SENDER_NAME, sender.local, sender.domain)
    message["To"] = HeaderAddress("", recipient.local, recipient.domain)
    message["Subject"] = words.subject
    message["Date"] = now
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(words.text, cte="quoted-printable")
    if words.html is not None:
        message.add_alternative(words.html, subtype="html", cte="quoted-printable")
    draft = Letter(sender, recipient, b"")
    policy = SMTPUTF8 if draft.is_international else SMTP
    return Letter(sender, recipient, message.as_bytes(policy=policy))
