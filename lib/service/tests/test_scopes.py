"""What API keys look like, and what scopes are called."""

import re

from hypothesis import given
from hypothesis import strategies as st

from soundstrip_service.scopes import (
    Scope,
    is_api_key,
    make_api_key,
    parse_scopes,
    write_scopes,
)


def test_an_api_key_can_be_told_by_its_looks():
    key = make_api_key()
    assert re.fullmatch(r"ss_[0-9A-Za-z]{49}", key)
    assert is_api_key(key)
    assert key != make_api_key()


@given(st.integers(3, 51), st.sampled_from("0Az"))
def test_a_key_with_a_character_that_is_wrong_is_none(place: int, character: str):
    key = make_api_key()
    changed = key[:place] + character + key[place + 1 :]
    assert is_api_key(changed) == (changed == key)


@given(st.text(max_size=60))
def test_other_text_is_no_api_key(text: str):
    assert not is_api_key(text)


@given(st.frozensets(st.sampled_from(Scope)))
def test_scopes_survive_their_way_through_a_claim(scopes: frozenset[Scope]):
    assert parse_scopes(write_scopes(scopes)) == scopes


def test_scopes_of_others_are_left_out():
    assert parse_scopes("openid conversions:read  x") == {Scope.CONVERSIONS_READ}
