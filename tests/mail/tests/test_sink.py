"""The sink as its users see it: one process, SMTP in, HTTP out."""

import smtplib
from collections.abc import Iterator

import pytest
from tests.mailing import Sink, running_sink

DEADLINE = 60
MAIL = b"To: b@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi\r\n"


def send(sink: Sink, content: bytes = MAIL, to: str = "b@example.org") -> None:
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=DEADLINE) as client:
        client.sendmail("a@example.org", [to], content)


@pytest.fixture(scope="module")
def process() -> Iterator[Sink]:
    with running_sink("--keep=3") as sink:
        yield sink


@pytest.fixture
def sink(process: Sink) -> Sink:
    process.reset()
    return process


def test_a_message_is_shown_with_its_decoded_subject_and_its_raw_headers(sink: Sink):
    send(sink)
    [summary] = sink.get("/messages").json()
    detail = sink.get(f"/messages/{summary['id']}").json()
    assert (summary["to"], summary["subject"]) == (["b@example.org"], "Grüße")
    assert "=?utf-8?q?Gr=C3=BC=C3=9Fe?=" in detail["headers"]
    assert detail["text"] == "Hi\n"


def test_messages_can_be_asked_for_by_recipient(sink: Sink):
    send(sink, to="one@example.org")
    send(sink, to="two@example.org")
    [found] = sink.get("/messages?to=TWO@example.org").json()
    assert found["to"] == ["two@example.org"]


def test_only_the_newest_messages_are_kept(sink: Sink):
    for number in range(5):
        send(sink, to=f"{number}@example.org")
    assert [m["to"][0][0] for m in sink.get("/messages").json()] == ["4", "3", "2"]


def test_a_refusal_is_given_as_often_as_it_was_ordered(sink: Sink):
    assert sink.behave(rcpt="450 try later", times=2).ok
    for _ in range(2):
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(sink)
    send(sink)
    assert len(sink.get("/messages").json()) == 1


def test_a_refused_message_is_not_kept(sink: Sink):
    sink.behave(data="554 no")
    with pytest.raises(smtplib.SMTPDataError):
        send(sink)
    assert sink.get("/messages").json() == []


@pytest.mark.parametrize(
    "nonsense", [{"rcpt": "no"}, {"times": 0}, {"rctp": "450 no"}, {"rcpt": "450 a\r\nb"}]
)
def test_an_order_that_is_not_understood_is_refused(sink: Sink, nonsense: dict[str, object]):
    assert sink.behave(**nonsense).status_code == 400


def test_the_page_shows_hostile_subjects_as_text(sink: Sink):
    send(sink, b"Subject: <script>alert(1)</script>\r\n\r\n<b>\r\n")
    page = sink.get("/").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_what_is_no_message_number_is_not_found(sink: Sink):
    assert sink.get("/messages/999999").status_code == 404
    assert sink.get("/messages/x").status_code == 404
