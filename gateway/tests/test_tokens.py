import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from soundstrip_gateway.api_keys import ApiKeys, Grant
from soundstrip_gateway.keys import KeyRing
from soundstrip_gateway.tokens import Caller, TokenRefused, Tokens
from soundstrip_service.scopes import Scope, make_api_key

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


def test_a_token_without_a_scope_is_for_all_that_the_user_may(tokens: Tokens):
    user, admin = tokens.verify(_sign(_claims())), tokens.verify(_sign(_claims(admin=True)))
    assert user.may(Scope.CONVERSIONS_WRITE)
    assert not user.may(Scope.ADMIN_READ)
    assert admin.may(Scope.ADMIN_WRITE)


@pytest.mark.parametrize("scope", ["", "openid", "conversions:readx"])
def test_a_scope_that_is_none_of_ours_is_for_nothing(tokens: Tokens, scope: str):
    caller = tokens.verify(_sign(_claims(scope=scope, admin=True)))
    assert not any(caller.may(one) for one in Scope)


def test_an_api_key_is_what_its_token_says():
    key = make_api_key()
    granted = _sign(_claims(scope="conversions:read"))
    tokens = Tokens(KeyRing(lambda: {"one": JWK}), ApiKeys({key: Grant(granted, 600)}.__getitem__))
    caller = tokens.verify(key)
    assert (caller.id, caller.scopes) == ("42", {Scope.CONVERSIONS_READ})


def test_a_mistyped_api_key_is_refused_without_asking_anybody(tokens: Tokens):
    with pytest.raises(TokenRefused, match="copied"):
        tokens.verify(make_api_key()[:-1])


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
