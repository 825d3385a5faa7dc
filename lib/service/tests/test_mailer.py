"""Handing a letter in, at real SMTP servers of every temper."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from tests.mailing import Sink, running_sink
from tests.processes import free_port

from soundstrip_service.addresses import Address
from soundstrip_service.letters import Letter
from soundstrip_service.mailer import (
    LetterRefused,
    Mailer,
    MailUnavailable,
    SmtpServer,
    TlsMode,
)

USER, PASSWORD = "soundstrip@example.net", "correct horse"
SENDER, RECIPIENT = Address("soundstrip", "example.net"), Address("ada", "example.org")
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")
LETTER = Letter(SENDER, RECIPIENT, b"Subject: Hi\r\n\r\n.dot\r\n")


def mailer(port: int, tls: TlsMode = "none", **changes: Any) -> Mailer:
    values = {"user": USER, "password": PASSWORD, "local_hostname": "localhost"} | changes
    return Mailer(SmtpServer(host="localhost", port=port, tls=tls, **values))


@pytest.fixture(scope="module")
def process() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def sink(process: Sink) -> Sink:
    process.reset()
    return process


def test_a_letter_arrives_as_it_was_written(sink: Sink):
    mailer(sink.smtp_port).send(LETTER)
    [message] = sink.messages("ada@example.org")
    assert message["from"] == "soundstrip@example.net"
    assert message["text"] == ".dot\n"


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
def test_a_refusal_for_the_time_being_is_worth_another_try(sink: Sink, stage: str):
    sink.behave(**{stage: "450 4.2.0 try later"})
    with pytest.raises(MailUnavailable, match=r"450 4\.2\.0 try later"):
        mailer(sink.smtp_port).send(LETTER)


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_a_refusal_of_the_letter_is_final(sink: Sink, stage: str):
    sink.behave(**{stage: "550 5.1.1 no such user"})
    with pytest.raises(LetterRefused, match=r"550 5\.1\.1 no such user"):
        mailer(sink.smtp_port).send(LETTER)


def test_a_refusal_of_ourselves_is_worth_another_try(sink: Sink):
    sink.behave(mail="530 5.7.0 log in first")
    with pytest.raises(MailUnavailable, match="530"):
        mailer(sink.smtp_port).send(LETTER)


def test_trouble_after_the_acceptance_is_no_failure(sink: Sink):
    sink.behave(quit="500 5.5.1 what?")
    mailer(sink.smtp_port).send(LETTER)
    assert len(sink.messages()) == 1


def test_an_address_beyond_ascii_is_written_to_where_the_server_can(sink: Sink):
    letter = Letter(SENDER, Address("jürgen", "example.org"), LETTER.content)
    mailer(sink.smtp_port).send(letter)
    assert len(sink.messages("jürgen@example.org")) == 1


def test_a_server_that_is_not_there_is_worth_another_try():
    with pytest.raises(MailUnavailable, match="ConnectionRefusedError"):
        mailer(free_port()).send(LETTER)


def test_a_server_that_says_nothing_is_left_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MailUnavailable, match="timed out"):
            mailer(port, command_seconds=0.2).send(LETTER)


@dataclass
class Clerk:
    """What a server with log-in and encryption saw."""

    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)

    def authenticate(self, *arguments: Any) -> AuthResult:
        login = arguments[-1]
        self.logins.append((login.login, login.password))
        return AuthResult(success=login.password == PASSWORD.encode(), handled=False)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope.original_content)
        return "250 kept"


@contextmanager
def serving(clerk: Clerk, **options: Any) -> Iterator[int]:
    options = {"authenticator": clerk.authenticate, "auth_require_tls": False} | options
    where = {"hostname": "127.0.0.1", "port": free_port()}
    controller = Controller(clerk, **where, ready_timeout=60, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*make.split(), *names, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trust(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")


@pytest.mark.usefixtures("trust")
@pytest.mark.parametrize(("mode", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_the_log_in_happens_once_the_connection_is_encrypted(
    tls: ssl.SSLContext, mode: TlsMode, option: str
):
    clerk = Clerk()
    with serving(clerk, **{option: tls}, auth_required=True) as port:
        mailer(port, mode).send(LETTER)
    assert clerk.logins == [(USER.encode(), PASSWORD.encode())]
    assert len(clerk.mails) == 1


@pytest.mark.usefixtures("trust")
def test_a_wrong_password_is_worth_another_try_and_is_not_told(tls: ssl.SSLContext):
    with (
        serving(Clerk(), tls_context=tls, auth_required=True) as port,
        pytest.raises(MailUnavailable, match="535") as raised,
    ):
        mailer(port, "starttls", password="battery staple").send(LETTER)
    assert "battery" not in str(raised.value)


def test_a_password_is_never_sent_in_the_clear():
    clerk = Clerk()
    with serving(clerk) as port:
        mailer(port, "none").send(LETTER)
    assert clerk.logins == []
    assert len(clerk.mails) == 1


def test_nothing_is_sent_to_a_server_that_cannot_encrypt_as_was_asked():
    clerk = Clerk()
    with serving(clerk) as port, pytest.raises(MailUnavailable, match="STARTTLS"):
        mailer(port, "starttls").send(LETTER)
    assert (clerk.logins, clerk.mails) == ([], [])


@pytest.mark.parametrize(("mode", "option"), [("starttls", "tls_context"), ("tls", "ssl_context")])
def test_nothing_is_sent_to_a_server_that_cannot_prove_its_name(
    tls: ssl.SSLContext, mode: TlsMode, option: str
):
    clerk = Clerk()
    with (
        serving(clerk, **{option: tls}) as port,
        pytest.raises(MailUnavailable, match="CERTIFICATE"),
    ):
        mailer(port, mode).send(LETTER)
    assert (clerk.logins, clerk.mails) == ([], [])


def test_an_address_beyond_ascii_is_refused_where_the_server_cannot():
    letter = Letter(SENDER, Address("jürgen", "example.org"), LETTER.content)
    with (
        serving(Clerk(), enable_SMTPUTF8=False) as port,
        pytest.raises(LetterRefused, match="SMTPUTF8"),
    ):
        mailer(port).send(letter)


def test_the_password_does_not_show_in_the_server_s_description():
    server = SmtpServer("mail", 587, "starttls", USER, PASSWORD, "localhost")
    assert PASSWORD not in repr(server)
