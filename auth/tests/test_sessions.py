import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_auth.sessions import SessionEnded, new_refresh_token, parse_refresh_token


def test_a_refresh_token_survives_its_way_to_the_client_and_back():
    token = new_refresh_token()
    assert parse_refresh_token(token.write()) == token


def test_the_next_token_is_of_the_same_family_and_another_turn():
    token = new_refresh_token()
    following = token.next()
    assert following.family_hash == token.family_hash
    assert following.turn_hash != token.turn_hash


def test_no_token_shows_itself_in_a_log():
    token = new_refresh_token()
    assert repr(token) == "RefreshToken()"


@given(st.text(max_size=120) | st.text(max_size=120).map("ssr_{}".format))
def test_other_text_is_refused(text: str):
    with pytest.raises(SessionEnded):
        parse_refresh_token(text)
