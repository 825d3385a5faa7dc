import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from soundstrip_gateway.keys import KeyRing
from soundstrip_gateway.tokens import Caller, TokenRefused, Tokens

KEY = Ed25519PrivateKey.generate()
NUMBERS = jwt.algorithms.OKPAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
JWK = jwt.PyJWK.from_dict(NUMBERS | {"kid": "one", "alg": "EdDSA"})


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(KeyRing(lambda: {"one": JWK}))


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": "soundstrip-auth",
        "aud": "soundstrip",
        "sub": "42",
        "username": "ann",
        "email": "ann@example.org",
        "exp": int(time.time()) + 60,
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def _sign(
    claims: dict[str, Any], key: Any = KEY, algorithm: str = "EdDSA", kid: str = "one"
) -> str:
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})


def test_a_good_token_says_who_asks(tokens: Tokens):
    claims = _claims(admin=True)
    caller = tokens.verify(_sign(claims))
    email, expiry = "ann@example.org", claims["exp"]
    assert caller == Caller(id="42", name="ann", email=email, admin=True, expires_at=expiry)


def test_a_name_is_taken_from_what_there_is(tokens: Tokens):
    assert tokens.verify(_sign(_claims(username=None, name="Ann"))).name == "Ann"
    assert tokens.verify(_sign(_claims(username=None))).name == "42"
    assert tokens.verify(_sign(_claims(username="x" * 500))).name == "x" * 127


@pytest.mark.parametrize("email", [None, "", 3, "no-address", "a@" + "b" * 300])
def test_an_address_that_is_none_is_left_out(tokens: Tokens, email: object):
    assert tokens.verify(_sign(_claims(email=email))).email is None


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"iss": "somebody"},
        {"aud": "something"},
        {"aud": None},
        {"sub": None},
        {"sub": ""},
        {"sub": "not a label"},
        {"sub": "x" * 64},
        {"sub": "a,soundstrip.dev/owner!=a"},
    ],
)
def test_a_token_that_is_not_for_this_is_refused(tokens: Tokens, changes: dict[str, Any]):
    with pytest.raises(TokenRefused):
        tokens.verify(_sign(_claims(**changes)))


def test_a_token_of_another_hand_is_refused(tokens: Tokens):
    for forged in (
        _sign(_claims(), Ed25519PrivateKey.generate()),
        _sign(_claims(), "a secret of at least thirty-two bytes", "HS256"),
        _sign(_claims(), kid="other"),
        jwt.encode(_claims(), None, algorithm="none", headers={"kid": "one"}),
        "not.a.token",
        "",
        "x" * 100_000,
    ):
        with pytest.raises(TokenRefused):
            tokens.verify(forged)
