"""SMTP, by smtplib: the adapter that hands a letter to a server."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, assert_never

import structlog

from soundstrip_service.letters import Letter

TlsMode = Literal["starttls", "tls", "none"]

COMMAND_SECONDS = 30.0
"""How long the server may take for one reply."""

ACCEPTANCE_SECONDS = 600.0
"""How long it may take to accept the text (RFC 5321, 4.5.3.2.6): hanging up too soon would send a
letter twice."""

GOODBYE_SECONDS = 2.0
"""How long it may take to say goodbye: the delivery is recorded after that."""

_TAKEN = frozenset({250, 251})
_PERMANENT = 500

log = structlog.get_logger("soundstrip.mail")


class LetterRefused(Exception):
    """The server will not take this letter, however often it is offered."""


class MailUnavailable(Exception):
    """The world's fault: the server is away, slow or out of sorts; a later try may succeed."""


@dataclass(frozen=True)
class SmtpServer:
    """Where letters are handed in, and as whom."""

    host: str
    port: int
    tls: TlsMode
    user: str
    password: str
    local_hostname: str
    command_seconds: float = COMMAND_SECONDS

    def __repr__(self) -> str:
        return f"SmtpServer({self.host}:{self.port}, {self.tls})"


class Mailer:
    """Sends letters, each in a session of its own; safe to use from several threads."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    def send(self, letter: Letter) -> None:
        """Return when the server has taken responsibility for the letter (its 250 after DATA).

        Raises:
            LetterRefused: the server will never take it: 5xx for the recipient or for the text.
            MailUnavailable: anything else: no connection, encryption or log-in, a time-out, 4xx,
                or a 5xx that is about us and not about the letter.
        """
        try:
            with self._session() as session:
                _transmit(session, letter)
        except OSError as error:  # smtplib's and ssl's errors are OSErrors too
            raise MailUnavailable(f"SMTP: {_describe(error)}") from error

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        session = self._connect()
        try:
            self._log_in(session)
            yield session
        finally:
            _say_goodbye(session)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        where = (server.host, server.port, server.local_hostname)
        match server.tls:
            case "tls":
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(*where, timeout=server.command_seconds, context=context)
            case "starttls" | "none":
                return smtplib.SMTP(*where, timeout=server.command_seconds)
            case _:
                assert_never(server.tls)

    def _log_in(self, session: smtplib.SMTP) -> None:
        """Encrypt, then log in if the server offers it; the password never travels in the clear."""
        if self._server.tls == "starttls":
            session.starttls(context=ssl.create_default_context())
        session.ehlo_or_helo_if_needed()
        if not (self._server.password and session.has_extn("auth")):
            return
        if isinstance(session.sock, ssl.SSLSocket):
            session.login(self._server.user, self._server.password)
        else:
            log.warning("password withheld: the connection to the SMTP server is not encrypted")


def _transmit(session: smtplib.SMTP, letter: Letter) -> None:
    options: list[str] = []
    if letter.is_international:
        if not session.has_extn("smtputf8"):
            raise LetterRefused("the SMTP server takes no addresses beyond ASCII (SMTPUTF8)")
        options = ["SMTPUTF8", "BODY=8BITMIME"]
    _expect(session.mail(str(letter.sender), options), "MAIL FROM", permanent=False)
    _expect(session.rcpt(str(letter.recipient)), "RCPT TO", permanent=True)
    _wait_at_most(session, ACCEPTANCE_SECONDS)
    try:
        reply = session.data(letter.content)
    except smtplib.SMTPDataError as error:
        reply = (error.smtp_code, _bytes(error.smtp_error))
    _expect(reply, "DATA", permanent=True)


def _say_goodbye(session: smtplib.SMTP) -> None:
    """End the session; what happens after the 250 changes nothing, and holds nothing up."""
    with suppress(OSError):
        _wait_at_most(session, GOODBYE_SECONDS)
        session.docmd("QUIT")
    session.close()


def _wait_at_most(session: smtplib.SMTP, seconds: float) -> None:
    if session.sock is not None:
        session.sock.settimeout(seconds)


def _expect(reply: tuple[int, bytes], command: str, *, permanent: bool) -> None:
    """Return if it was taken; `permanent` says whether a 5xx here is about the letter."""
    code, text = reply
    if code in _TAKEN:
        return
    sentence = f"the SMTP server answered {command} with {code} {_printable(text)}"
    if permanent and code >= _PERMANENT:
        raise LetterRefused(sentence)
    raise MailUnavailable(sentence)


def _describe(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: {error.smtp_code} {_printable(_bytes(error.smtp_error))}"
    return f"{type(error).__name__}: {error}"


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", errors="replace")
    return " ".join("".join(c if c.isprintable() else " " for c in decoded).split())[:300]
