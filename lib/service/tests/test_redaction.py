import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_service.redaction import MASK, redact, redact_text

SECRET = st.text(alphabet="abcdefgh0123456789", min_size=8, max_size=40)


@given(SECRET)
def test_a_password_in_a_uri_is_masked(secret: str):
    assert secret not in redact_text(f"cannot reach mongodb://root:{secret}@mongo:27017/x?y=1")


@given(SECRET)
def test_a_password_with_an_at_sign_in_a_uri_is_masked_to_its_end(secret: str):
    assert secret not in redact_text(f"amqp://user:p@{secret}@rabbit:5672/")


@given(SECRET, st.sampled_from(["Bearer", "Basic", "bearer"]))
def test_the_credentials_of_an_authorization_header_are_masked(secret: str, scheme: str):
    assert secret not in redact_text(f"Authorization: {scheme} {secret}")


@given(SECRET, st.sampled_from(["token", "access_token", "password", "SECRET_KEY", "api-key"]))
def test_a_secret_in_a_query_string_is_masked(secret: str, name: str):
    assert secret not in redact_text(f"GET /download?{name}={secret}&fid=1")


@pytest.mark.parametrize(
    "key", ["password", "MYSQL_PASSWORD", "token", "progress_token", "Authorization", "secret_key"]
)
def test_a_value_under_a_secret_key_is_masked_however_deep(key: str):
    assert redact({"a": [{key: "x1"}]}) == {"a": [{key: MASK}]}


@pytest.mark.parametrize(
    "text", ["http://auth:5000/login", "a@b.c wrote", "tokens are 24 h old", "fid=123"]
)
def test_harmless_text_stays_as_it_is(text: str):
    assert redact_text(text) == text


def test_keys_that_only_mention_a_secret_are_left_alone():
    fields = {"tokens_issued": 3, "password_age_days": 4}
    assert redact(fields) == fields


@given(SECRET, st.sampled_from(["ss_", "ssr_", "ssv_"]))
def test_auth_s_own_tokens_are_masked_wherever_they_stand(secret: str, kind: str):
    token = kind + secret + "0123456789ab"
    assert token not in redact_text(f"could not read {token}, sorry")
