import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_auth.users import LoginKind, UserRefused, check_new_user, classify_login


@pytest.mark.parametrize("name", ["anna", "A.b-c_9", "x", "n" * 63])
def test_names_to_log_in_with(name: str):
    assert classify_login(name) is LoginKind.NAME


@pytest.mark.parametrize("email", ["anna@example.org", "a+b@x.y", "demo@soundstrip.test"])
def test_emails_to_log_in_with(email: str):
    assert classify_login(email) is LoginKind.EMAIL


@pytest.mark.parametrize(
    "login", ["", " ", "-a", "a b", "a:b", "n" * 64, "a@", "@b", "a@b\n", "ä", "x" * 250 + "@b.de"]
)
def test_logins_that_no_user_can_have(login: str):
    assert classify_login(login) is None


@given(st.text(max_size=80))
def test_a_login_with_an_at_sign_is_never_a_name(text: str):
    assert "@" not in text or classify_login(text) is not LoginKind.NAME


@given(st.text(max_size=80))
def test_what_is_looked_up_fits_its_ascii_column(text: str):
    if classify_login(text) is not None:
        assert re.fullmatch(r"[!-~]{1,254}", text)


@pytest.mark.parametrize(
    ("name", "email", "password"),
    [
        ("a@b", "a@b.de", "long enough"),
        ("anna", "anna", "long enough"),
        ("anna", "a@b.de", "short"),
        ("anna", "a@b.de", "x" * 257),
    ],
)
def test_a_user_that_cannot_be_is_refused_without_telling_the_password(
    name: str, email: str, password: str
):
    with pytest.raises(UserRefused) as refused:
        check_new_user(name, email, password)
    assert password not in str(refused.value)


def test_a_sound_user_is_not_refused():
    check_new_user("anna", "anna@example.org", "long enough")
