"""Tokens of an outside issuer, and all that only looks like one."""

import re
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from soundstrip_gateway.keys import AuthUnavailable, KeyRing
from soundstrip_gateway.outside import (
    Issuer,
    Mapped,
    OidcSettings,
    discover_keys,
    is_safe,
    map_claims,
    owner_id,
)
from soundstrip_gateway.tokens import TokenRefused, Tokens

URL, AUDIENCE = "https://id.example", "https://audio.example"
MAPPED = Mapped("sub", "preferred_username", "email", "realm_access.roles", "audio-admin")
PRIVATE = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate(),
    "PS256": rsa.generate_private_key(65537, 2048),
}
OURS = Ed25519PrivateKey.generate()


def _jwk(name: str, private: Any, algorithm: str) -> jwt.PyJWK:
    kind = jwt.get_algorithm_by_name(algorithm)
    numbers = kind.to_jwk(private.public_key(), as_dict=True)
    return jwt.PyJWK.from_dict(numbers | {"kid": name, "alg": algorithm, "use": "sig"})


THEIRS = {name: _jwk(name, private, name) for name, private in PRIVATE.items()}
OWN = {"own": _jwk("own", OURS, "EdDSA")}


@pytest.fixture
def tokens() -> Tokens:
    issuer = Issuer(URL, AUDIENCE, MAPPED, KeyRing(lambda: THEIRS))
    return Tokens(KeyRing(lambda: OWN), None, issuer)


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {"iss": URL, "aud": AUDIENCE, "sub": "8f|Zoë", "exp": int(time.time()) + 60}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _sign(claims: dict[str, Any], algorithm: str = "RS256", **changes: Any) -> str:
    values = {"key": PRIVATE.get(algorithm), "kid": algorithm} | changes
    return jwt.encode(claims, values["key"], algorithm, headers={"kid": values["kid"]})


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_the_issuer_says_who_asks(tokens: Tokens, algorithm: str):
    claims = _claims(
        preferred_username="zoe", email="zoe@example.org", realm_access={"roles": ["audio-admin"]}
    )
    caller = tokens.verify(_sign(claims, algorithm))
    assert caller.id == owner_id(URL, "8f|Zoë")
    assert (caller.name, caller.email, caller.admin) == ("zoe", "zoe@example.org", True)
    assert caller.expires_at == claims["exp"]


@given(st.text(), st.text())
def test_an_owner_s_id_is_a_label_value_and_none_of_our_own_users(issuer: str, user: str):
    made = owner_id(issuer, user)
    assert re.fullmatch(r"oidc-[0-9a-f]{40}", made)


def test_users_of_two_issuers_are_two():
    assert owner_id("https://a", "b") != owner_id("https://ab", "")
    assert owner_id(URL, "1") != owner_id(URL, "2")


@pytest.mark.parametrize(
    "token",
    [
        lambda: _sign(_claims(), "PS256"),
        lambda: _sign(_claims(aud="another")),
        lambda: _sign(_claims(aud=None)),
        lambda: _sign(_claims(exp=None)),
        lambda: _sign(_claims(exp=1)),
        lambda: _sign(_claims(sub=None)),
        lambda: _sign(_claims(nbf=int(time.time()) + 600)),
        lambda: _sign(_claims(), key=rsa.generate_private_key(65537, 2048)),
        lambda: _sign(_claims(), kid="unknown"),
        lambda: _sign(_claims(), kid="EdDSA"),
        lambda: jwt.encode(_claims(), None, "none", headers={"kid": "RS256"}),
        lambda: jwt.encode(_claims(), "s" * 64, "HS256", headers={"kid": "RS256"}),
    ],
)
def test_what_only_looks_like_a_token_of_the_issuer_is_refused(
    tokens: Tokens, token: Callable[[], str]
):
    with pytest.raises(TokenRefused):
        tokens.verify(token())


def test_neither_issuer_speaks_for_the_other(tokens: Tokens):
    own = {"iss": "soundstrip-auth", "aud": "soundstrip"}
    for forged in (
        _sign(_claims(**own, sub="42")),
        _sign(_claims(**own, sub="42"), "EdDSA", kid="own"),
        _sign(_claims(), "EdDSA", key=OURS, kid="own"),
        _sign(_claims(), "EdDSA", key=OURS),
        _sign(_claims(iss="https://evil.example")),
    ):
        with pytest.raises(TokenRefused):
            tokens.verify(forged)
    assert tokens.verify(_sign(_claims(**own, sub="42"), "EdDSA", key=OURS, kid="own")).id == "42"


@pytest.mark.parametrize(
    ("roles", "admin"),
    [
        ({"roles": ["x", "audio-admin"]}, True),
        ({"roles": "x audio-admin"}, True),
        ({"roles": "audio-administrator"}, False),
        ({"roles": {"audio-admin": True}}, False),
        ({"roles": [["audio-admin"]]}, False),
        ("audio-admin", False),
        (None, False),
    ],
)
def test_only_the_role_itself_makes_an_admin(roles: object, admin: bool):  # noqa: FBT001
    assert map_claims(_claims(realm_access=roles), URL, MAPPED)["admin"] is admin


def test_without_a_role_to_look_for_nobody_is_an_admin():
    nobody = Mapped("sub", "name", "email", "roles", "")
    assert map_claims(_claims(roles=["", "admin"]), URL, nobody)["admin"] is False


def test_an_address_that_is_unverified_gets_no_mail():
    claims = _claims(email="eve@example.org", email_verified=False)
    assert map_claims(claims, URL, MAPPED)["email"] is None


def _describe(server: HTTPServer, **changes: object) -> str:
    issuer = f"http://127.0.0.1:{server.port}"
    found = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"} | changes
    server.expect_request("/.well-known/openid-configuration").respond_with_json(found)
    numbers = jwt.algorithms.OKPAlgorithm.to_jwk(OURS.public_key(), as_dict=True)
    keys = [numbers | {"kid": "a", "alg": "EdDSA"}, numbers | {"kid": "b", "use": "enc"}]
    server.expect_request("/jwks").respond_with_json({"keys": keys})
    return issuer


def test_keys_are_found_by_discovery_and_those_for_encryption_left_out(httpserver: HTTPServer):
    assert list(discover_keys(_describe(httpserver), loopback=True)) == ["a"]


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": "http://192.0.2.1/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 3},
        {"issuer": None},
    ],
)
def test_a_description_that_is_not_safe_is_an_outage(
    httpserver: HTTPServer, changes: dict[str, object]
):
    with pytest.raises(AuthUnavailable):
        discover_keys(_describe(httpserver, **changes), loopback=True)


@pytest.mark.parametrize("body", ["", "[]", "<html>", "{}", "x" * 2_000_000])
def test_an_answer_that_describes_nothing_is_an_outage(httpserver: HTTPServer, body: str):
    httpserver.expect_request("/.well-known/openid-configuration").respond_with_data(body)
    with pytest.raises(AuthUnavailable):
        discover_keys(f"http://127.0.0.1:{httpserver.port}", loopback=True)


@pytest.mark.parametrize(
    ("url", "loopback", "safe"),
    [
        ("https://id.example", False, True),
        ("http://id.example", True, False),
        ("http://127.0.0.1:80", False, False),
        ("http://127.0.0.1:80", True, True),
        ("http://localhost", True, True),
        ("http://127.0.0.1.evil.example", True, False),
        ("https://", False, False),
        ("ftp://127.0.0.1", True, False),
    ],
)
def test_only_https_is_safe_and_loopback_in_tests(url: str, loopback: bool, safe: bool):  # noqa: FBT001
    assert is_safe(url, loopback=loopback) is safe


def test_an_issuer_without_an_audience_or_https_is_refused():
    for settings in ({}, {"oidc_audience": "a", "oidc_issuer": "http://id.example"}):
        with pytest.raises(ValidationError):
            OidcSettings(**{"oidc_issuer": URL} | settings)
