"""What the e-mail says, and that nothing in an event can make it say more."""

from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soundstrip_crds.events import CloudEvent
from soundstrip_crds.reasons import PERMANENT, REMEDY, TRANSIENT, Reason
from soundstrip_notifier.errors import Malformed
from soundstrip_notifier.letter import message_id, parse_event, write_letter
from soundstrip_service.addresses import parse_address
from soundstrip_service.letters import Letter

Make = Callable[..., CloudEvent]
SENDER = parse_address("soundstrip@example.net")
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]
FINAL_FAILURES = sorted(PERMANENT | TRANSIENT)
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def write(event: CloudEvent, url: str = "http://audio.example") -> Letter:
    assert event.data.email is not None
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return write_letter(event, SENDER, parse_address(event.data.email), url, now)


def read(letter: Letter) -> EmailMessage:
    return message_from_bytes(letter.content, policy=policy.default)


def text_of(letter: Letter, subtype: str = "plain") -> str:
    body = read(letter).get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_success_says_what_was_made_and_where_it_is(succeeded: Make):
    letter = write(succeeded())
    text = text_of(letter)
    assert read(letter)["Subject"] == "Your audio is ready: talk.mp3"
    assert '"talk.mp4" was converted to MP3.' in text
    assert "Length      0:30" in text
    assert "Size        720.4 kB (720,437 bytes)" in text
    assert "Bit rate    192 kbit/s" in text
    assert "http://audio.example/download?fid=65f000000000000000000001" in text
    assert "mp3 file_id: 65f000000000000000000001 is now ready!" in text


def test_a_success_says_what_is_not_as_asked_for_and_else_nothing_more(succeeded: Make):
    ready = REMEDY[Reason.SUCCEEDED]
    told = text_of(write(succeeded(message=f"The loudness is -17.2 LUFS, not -10. {ready}")))
    assert "\n\nThe loudness is -17.2 LUFS, not -10.\n\n" in told
    without = text_of(write(succeeded(message=ready)))
    assert told.count("\n\n") == without.count("\n\n") + 1


@pytest.mark.parametrize("reason", FINAL_FAILURES)
def test_a_failure_says_why_and_what_to_do(failed: Make, reason: Reason):
    text = text_of(write(failed(reason=reason, message="It is so.")))
    assert "It is so." in text
    assert REMEDY[reason] in text
    assert reason.value in text
    assert "/download" not in text


def test_a_remedy_that_the_message_already_holds_is_said_once(failed: Make):
    remedy = REMEDY[Reason.NO_AUDIO_TRACK]
    assert text_of(write(failed(message=f"No sound. {remedy}"))).count(remedy) == 1


def test_the_same_event_has_the_same_message_id_and_is_marked_as_automatic(succeeded: Make):
    message = read(write(succeeded()))
    assert message["Message-ID"] == "<0b7f3c1e-8f0a-4c5e-9c0b-1d2e3f405162.1.finished@soundstrip>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"


@many
@given(name=st.text(min_size=1, max_size=255), owner=st.text(min_size=1, max_size=127))
def test_no_name_can_add_a_header_or_a_recipient(succeeded: Make, name: str, owner: str):
    event = succeeded()
    result = msgspec.structs.replace(event.data.result, filename=name)
    owned = msgspec.structs.replace(event.data.owner, name=owner)
    letter = write(succeeded(filename=name, owner=owned, result=result))
    message = read(letter)
    assert message.keys() == HEADERS
    assert message["To"].addresses[0].addr_spec == "ada@example.org"
    assert message["Subject"].startswith("Your audio is ready:")
    assert letter.content.isascii()
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
    assert b"\n" not in letter.content.replace(b"\r\n", b"")


@many
@given(name=st.text(alphabet='<>&"\r\nab\u202e\x00', min_size=1, max_size=40))
def test_no_name_can_add_markup_or_a_line(succeeded: Make, name: str):
    letter = write(succeeded(filename=name))
    plain = write(succeeded(filename="a"))
    assert text_of(letter, "html").count("<") == text_of(plain, "html").count("<")
    assert text_of(letter).count("\n") == text_of(plain).count("\n")


@many
@given(event_id=st.text(max_size=300))
def test_every_event_id_makes_one_valid_message_id(event_id: str):
    made = message_id(event_id)
    message = EmailMessage(policy=policy.SMTP)
    message["Message-ID"] = made
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert parsed["Message-ID"] == made
    assert not parsed["Message-ID"].defects


def test_a_name_that_turns_the_direction_of_text_is_shown_straight(succeeded: Make):
    assert "\u202e" not in text_of(write(succeeded(filename="talk\u202e4pm.exe")))


def test_an_address_beyond_ascii_is_written_as_rfc_6531_says(succeeded: Make):
    letter = write(succeeded(email="jürgen@müller.example"))
    assert letter.is_international
    assert "To: jürgen@xn--mller-kva.example" in letter.content.decode()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"\xff", b"[]", b'{"specversion":"0.3"}', b"[" * 100_000],
)
def test_what_is_no_event_is_malformed(body: bytes):
    with pytest.raises(Malformed):
        parse_event(body)


def test_a_success_without_a_result_is_malformed(succeeded: Make):
    with pytest.raises(Malformed, match="names no result"):
        parse_event(msgspec.json.encode(succeeded(result=None)))


def test_an_event_survives_its_way_through_the_queue(succeeded: Make):
    assert parse_event(msgspec.json.encode(succeeded())) == succeeded()


@many
@given(body=st.binary(max_size=200))
def test_no_body_does_worse_than_being_malformed(body: bytes):
    with pytest.raises(Malformed):
        parse_event(body)
