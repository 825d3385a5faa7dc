import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_auth.signing import KeySchedule
from soundstrip_auth.tokens import LEGACY_LIFETIME, TokenRefused, Tokens, make_claims
from soundstrip_auth.users import Role, User

SECRET = b"0123456789abcdef0123456789abcdef"
USER = User("5f1d7a84db9c4a5bb1c4d9c8a4b8f0aa", "anna", "anna@example.org", Role.USER)


def tokens_of(secret: bytes = SECRET) -> Tokens:
    return Tokens(KeySchedule(secret, datetime.now(UTC)), lambda: datetime.now(UTC))


def claims_of(user: User, now: datetime) -> dict[str, Any]:
    return make_claims(user, now, LEGACY_LIFETIME)


def sign(tokens: Tokens, **changes: object) -> str:
    return tokens.sign(claims_of(USER, datetime.now(UTC)) | changes)


def test_a_token_says_who_the_user_is_and_for_how_long():
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    claims = claims_of(USER, now)
    assert claims["iss"] == "soundstrip-auth"
    assert claims["aud"] == "soundstrip"
    assert claims["sub"] == USER.id
    assert (claims["username"], claims["name"]) == ("anna", "anna")
    assert (claims["email"], claims["admin"]) == ("anna@example.org", False)
    assert claims["iat"] == now.timestamp()
    assert claims["exp"] - claims["iat"] == 24 * 3600
    assert len(claims["jti"]) == 32


def test_an_admin_is_one_in_the_token_too():
    assert claims_of(User("a", "b", "c@d.e", Role.ADMIN), datetime.now(UTC))["admin"] is True


def test_no_two_tokens_are_the_same():
    now = datetime.now(UTC)
    assert claims_of(USER, now)["jti"] != claims_of(USER, now)["jti"]


def test_replicas_with_one_secret_agree_on_the_key():
    assert tokens_of().read(sign(tokens_of()))["sub"] == USER.id
    assert tokens_of().jwks() == tokens_of().jwks()


def test_a_token_of_another_secret_is_refused():
    with pytest.raises(TokenRefused):
        tokens_of().read(sign(tokens_of(SECRET[::-1])))


def test_an_expired_token_is_refused_with_what_to_do():
    past = datetime.now(UTC) - LEGACY_LIFETIME - timedelta(minutes=1)
    with pytest.raises(TokenRefused, match="log in again"):
        tokens_of().read(tokens_of().sign(claims_of(USER, past)))


@pytest.mark.parametrize("claim", [{"aud": "other"}, {"iss": "other"}])
def test_a_token_for_another_or_by_another_is_refused(claim: dict[str, object]):
    key = tokens_of()
    with pytest.raises(TokenRefused):
        key.read(sign(key, **claim))


@pytest.mark.parametrize("claim", ["sub", "exp", "iat", "jti", "aud", "iss"])
def test_a_token_that_lacks_a_claim_is_refused(claim: str):
    key = tokens_of()
    claims = claims_of(USER, datetime.now(UTC))
    del claims[claim]
    with pytest.raises(TokenRefused):
        key.read(key.sign(claims))


def test_a_token_signed_by_the_public_key_as_a_shared_secret_is_refused():
    key = tokens_of()
    public = key.jwks()["keys"][0]["x"]
    forged = jwt.encode(claims_of(USER, datetime.now(UTC)), public, "HS256")
    with pytest.raises(TokenRefused):
        key.read(forged)


def test_an_unsigned_token_is_refused():
    unsigned = jwt.encode(claims_of(USER, datetime.now(UTC)), None, "none")
    with pytest.raises(TokenRefused):
        tokens_of().read(unsigned)


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_otherwise_than_by_refusing(text: str):
    with pytest.raises(TokenRefused):
        tokens_of().read(text)


def test_others_check_a_token_by_the_jwks_alone():
    key = tokens_of()
    token = sign(key)
    published = jwt.PyJWKSet.from_dict(key.jwks())
    kid = jwt.get_unverified_header(token)["kid"]
    assert jwt.decode(token, published[kid], algorithms=["EdDSA"], audience="soundstrip")


def test_the_jwks_holds_no_private_part_and_names_the_key_by_rfc_7638():
    jwk = tokens_of().jwks()["keys"][0]
    assert set(jwk) == {"kty", "crv", "x", "kid", "alg", "use"}
    required = f'{{"crv":"Ed25519","kty":"OKP","x":"{jwk["x"]}"}}'.encode()
    digest = hashlib.sha256(required).digest()
    assert jwk["kid"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
