import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pytest_httpserver import HTTPServer

from soundstrip_gateway.keys import AuthUnavailable, KeyRing, Keys, fetch_keys


def _key(name: str) -> jwt.PyJWK:
    public = Ed25519PrivateKey.generate().public_key()
    numbers = jwt.algorithms.OKPAlgorithm.to_jwk(public, as_dict=True)
    return jwt.PyJWK.from_dict(numbers | {"kid": name, "alg": "EdDSA", "use": "sig"})


class Auth:
    """A source of keys whose clock and moods the test sets."""

    def __init__(self) -> None:
        self.keys: Keys = {"one": _key("one")}
        self.away = False
        self.asked = 0
        self.now = 0.0

    def fetch(self) -> Keys:
        self.asked += 1
        if self.away:
            raise AuthUnavailable("away")
        return self.keys


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def ring(auth: Auth) -> KeyRing:
    return KeyRing(auth.fetch, lambda: auth.now)


def test_keys_are_asked_for_once_while_they_are_fresh(auth: Auth, ring: KeyRing):
    for second in range(300):
        auth.now = float(second)
        assert ring.find("one") is not None
    assert auth.asked == 1


def test_stale_keys_serve_while_auth_is_away(auth: Auth, ring: KeyRing):
    assert ring.find("one") is not None
    auth.away, auth.now = True, 10_000.0
    assert ring.find("one") is not None
    ring.check()


def test_without_any_keys_auth_is_unavailable_until_it_comes(auth: Auth, ring: KeyRing):
    auth.away = True
    with pytest.raises(AuthUnavailable):
        ring.find("one")
    auth.away, auth.now = False, 5.0
    assert ring.find("one") is not None


def test_made_up_key_ids_do_not_become_requests(auth: Auth, ring: KeyRing):
    for n in range(1000):
        auth.now = n / 1000
        assert ring.find(f"made-up-{n}") is None
    assert auth.asked == 1


def test_a_new_key_is_found_within_seconds(auth: Auth, ring: KeyRing):
    ring.check()
    auth.keys = {"two": _key("two")}
    auth.now = 5.0
    assert ring.find("two") is not None


def test_nobody_is_refused_for_a_new_key_while_auth_is_away(auth: Auth, ring: KeyRing):
    ring.check()
    auth.away, auth.now = True, 1000.0
    with pytest.raises(AuthUnavailable):
        ring.find("two")
    assert ring.find("one") is not None
    auth.away, auth.now, auth.keys = False, 1005.0, {"two": _key("two")}
    assert ring.find("two") is not None
    assert ring.find("three") is None


def test_keys_come_over_http(httpserver: HTTPServer):
    numbers = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": "a", "alg": "EdDSA"}
    httpserver.expect_request("/jwks").respond_with_json({"keys": [numbers]})
    assert list(fetch_keys(httpserver.url_for("/jwks"))) == ["a"]


@pytest.mark.parametrize("body", ["", "{}", '{"keys": []}', '{"keys": 3}', "[]", "<html>"])
def test_an_answer_that_is_no_jwks_is_an_outage(httpserver: HTTPServer, body: str):
    httpserver.expect_request("/jwks").respond_with_data(body)
    with pytest.raises(AuthUnavailable):
        fetch_keys(httpserver.url_for("/jwks"))


def test_nobody_listening_is_an_outage():
    with pytest.raises(AuthUnavailable):
        fetch_keys("http://127.0.0.1:1/jwks")
