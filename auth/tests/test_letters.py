"""What auth's letters say, and to whom they say it."""

import pytest

from soundstrip_auth.letters import Places, write_registration, write_reminder, write_reset
from soundstrip_auth.vouchers import Purpose

API = Places("https://auth.example/")
PAGE = Places("https://auth.example", "https://audio.example/account")


def test_a_letter_says_what_to_do_with_its_token():
    text = write_reset(API, "anna", "ssv_x").text
    assert "Hello anna" in text
    assert "https://auth.example/v1/password-resets/confirm" in text
    assert '{"token": "ssv_x", "newPassword"' in text
    assert "once, and for 1 hour" in text


def test_a_page_takes_the_place_of_the_command_and_no_server_logs_its_token():
    text = write_reset(PAGE, "anna", "ssv_x").text
    assert "https://audio.example/account#token=ssv_x" in text
    assert "curl" not in text


@pytest.mark.parametrize(
    ("purpose", "word"), [(Purpose.REGISTRATION, "1 hour"), (Purpose.INVITATION, "7 days")]
)
def test_who_may_register_is_told_how_and_for_how_long(purpose: Purpose, word: str):
    text = write_registration(API, purpose, "ssv_x").text
    assert word in text
    assert "/v1/registrations/confirm" in text


def test_who_has_an_account_already_gets_no_token():
    assert "ssv_" not in write_reminder("anna").text
