"""Keys rotate, and nobody notices: a gateway that has the JWKS of a moment ago checks any token."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_auth.signing import NOTICE, PERIOD, KeySchedule, derive_key
from soundstrip_auth.tokens import LEGACY_LIFETIME

SECRET, OTHER = b"0123456789abcdef0123456789abcdef", b"fedcba9876543210fedcba9876543210"
FIRST = derive_key(SECRET, "soundstrip-auth: Ed25519 key of tokens, version 1")
SINCE = datetime(2026, 11, 28, tzinfo=UTC)
KEYS = KeySchedule(SECRET, SINCE)
LATER = st.timedeltas(timedelta(), 40 * PERIOD)


@given(LATER, st.timedeltas(timedelta(), LEGACY_LIFETIME))
def test_a_token_is_checked_for_as_long_as_it_holds(after: timedelta, age: timedelta):
    signed = SINCE + after
    assert KEYS.signing(signed).id in KEYS.published(signed + age)


@given(LATER, st.timedeltas(timedelta(), NOTICE))
def test_a_key_is_published_before_it_signs(after: timedelta, staleness: timedelta):
    signed = SINCE + after
    assert KEYS.signing(signed).id in KEYS.published(max(SINCE, signed - staleness))


@given(LATER, st.timedeltas(-timedelta(minutes=5), timedelta(minutes=5)))
def test_replicas_whose_clocks_differ_take_each_other_s_tokens(after: timedelta, skew: timedelta):
    assert KEYS.signing(SINCE + after).id in KEYS.published(SINCE + after + skew)


@given(st.timedeltas(timedelta(), PERIOD))
def test_the_key_from_before_rotation_signs_on_for_a_while(offset: timedelta):
    since = SINCE + offset
    assert KeySchedule(SECRET, since).signing(since).id == FIRST.id
    assert KeySchedule(SECRET, since).signing(since + NOTICE).id == FIRST.id
    assert KeySchedule(SECRET, since).signing(since + 2 * PERIOD).id != FIRST.id


def test_the_key_from_before_rotation_goes_in_the_end():
    assert FIRST.id in KEYS.published(SINCE + PERIOD)
    assert FIRST.id not in KEYS.published(SINCE + 4 * PERIOD)


def test_each_period_has_a_key_of_its_own_and_three_are_published():
    moments = [SINCE + number * PERIOD for number in range(2, 12)]
    assert len({KEYS.signing(moment).id for moment in moments}) == len(moments)
    assert len(KEYS.jwks(moments[-1])["keys"]) == 3


def test_keys_of_another_secret_are_published_and_never_sign():
    both = KeySchedule(SECRET, SINCE, [OTHER])
    now = SINCE + 5 * PERIOD
    old = KeySchedule(OTHER, SINCE)
    assert {*old.published(now)} < {*both.published(now)}
    assert both.signing(now).id == KEYS.signing(now).id


@pytest.mark.parametrize("part", ["d", "private"])
def test_nothing_published_or_shown_is_private(part: str):
    assert all(part not in key for key in KEYS.jwks(SINCE)["keys"])
    assert "private" not in repr(KEYS.signing(SINCE))
