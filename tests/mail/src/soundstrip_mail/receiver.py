"""The SMTP side: aiosmtpd's hooks, which keep the mail or answer as they are told."""

import asyncio

from aiosmtpd.smtp import SMTP, Envelope, Session

from soundstrip_mail.behaviour import Script
from soundstrip_mail.mailbox import Mailbox

LARGEST_MESSAGE = 1024 * 1024
HOSTNAME = "soundstrip-mail"
_IDLE_SECONDS = 60.0


class Receiver:
    """Takes all mail for everyone, unless the script says otherwise."""

    def __init__(self, mailbox: Mailbox, script: Script) -> None:
        self._mailbox = mailbox
        self._script = script

    def protocol(self) -> SMTP:
        """Return the protocol of one connection."""
        return SMTP(
            self,
            data_size_limit=LARGEST_MESSAGE,
            enable_SMTPUTF8=True,
            hostname=HOSTNAME,
            ident="Soundstrip's mail sink",
            timeout=_IDLE_SECONDS,
            loop=asyncio.get_running_loop(),
        )

    async def handle_MAIL(  # noqa: N802 # aiosmtpd looks its hooks up by these names
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Answer MAIL FROM."""
        if reply := self._script.next_reply("mail"):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender taken"

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Answer RCPT TO."""
        if reply := self._script.next_reply("rcpt"):
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient taken"

    async def handle_DATA(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
    ) -> str:
        """Keep the message, unless the answer is to be a refusal."""
        await self._script.wait()
        reply = self._script.next_reply("data")
        if reply is not None and not reply.startswith("2"):
            return reply
        message = self._mailbox.add(
            envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content
        )
        return reply or f"250 2.0.0 Kept as {message.number}"

    async def handle_QUIT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
    ) -> str:
        """Answer QUIT."""
        return self._script.next_reply("quit") or "221 2.0.0 Bye"
