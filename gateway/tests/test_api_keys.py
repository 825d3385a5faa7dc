import pytest
from pytest_httpserver import HTTPServer

from soundstrip_gateway.api_keys import ApiKeys, Grant, KeyRefused, exchange_key
from soundstrip_gateway.keys import AuthUnavailable
from soundstrip_service.scopes import make_api_key

KEY = make_api_key()


class Auth:
    """An auth service whose clock and moods the test sets."""

    def __init__(self) -> None:
        self.good = {KEY}
        self.away = False
        self.asked = 0
        self.now = 0.0

    def exchange(self, key: str) -> Grant:
        self.asked += 1
        if self.away:
            raise AuthUnavailable("away")
        if key not in self.good:
            raise KeyRefused("no")
        return Grant(f"token {self.asked}", 600.0)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def keys(auth: Auth) -> ApiKeys:
    return ApiKeys(auth.exchange, lambda: auth.now)


def test_a_key_is_asked_about_once_for_as_long_as_its_token_holds(auth: Auth, keys: ApiKeys):
    for second in range(0, 570, 10):
        auth.now = float(second)
        assert keys.token(KEY) == "token 1"
    auth.now = 570.0
    assert keys.token(KEY) == "token 2"


def test_a_refused_key_is_not_asked_about_at_once_again(auth: Auth, keys: ApiKeys):
    auth.good = set()
    for _ in range(100):
        with pytest.raises(KeyRefused):
            keys.token(KEY)
    assert auth.asked == 1
    auth.good, auth.now = {KEY}, 15.0
    assert keys.token(KEY) == "token 2"


def test_what_is_known_serves_while_auth_is_away(auth: Auth, keys: ApiKeys):
    keys.token(KEY)
    auth.away = True
    assert keys.token(KEY) == "token 1"
    with pytest.raises(AuthUnavailable):
        keys.token(make_api_key())


def test_made_up_keys_push_no_good_one_out_and_are_bounded(auth: Auth, keys: ApiKeys):
    keys.token(KEY)
    for _ in range(3000):
        with pytest.raises(KeyRefused):
            keys.token(make_api_key())
    asked = auth.asked
    assert keys.token(KEY) == "token 1"
    assert auth.asked == asked
    assert len(keys._bad._values) == 2048


def test_no_key_is_kept_in_memory(keys: ApiKeys):
    keys.token(KEY)
    assert KEY not in str(keys._good._values)


def test_a_key_is_exchanged_over_http(httpserver: HTTPServer):
    wanted = {"grant": "api_key", "apiKey": KEY}
    answer = {"accessToken": "t", "expiresIn": 600, "tokenType": "Bearer"}
    httpserver.expect_request("/v1/token", "POST", json=wanted).respond_with_json(answer)
    assert exchange_key(httpserver.url_for("/v1/token"), KEY) == Grant("t", 600.0)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, "", KeyRefused),
        (400, "", KeyRefused),
        (404, "", AuthUnavailable),
        (503, "", AuthUnavailable),
        (200, "", AuthUnavailable),
        (200, "[]", AuthUnavailable),
        (200, '{"accessToken": "t"}', AuthUnavailable),
    ],
)
def test_an_answer_is_a_refusal_or_an_outage(
    httpserver: HTTPServer, status: int, body: str, error: type[Exception]
):
    httpserver.expect_request("/v1/token").respond_with_data(body, status)
    with pytest.raises(error):
        exchange_key(httpserver.url_for("/v1/token"), KEY)


def test_nobody_listening_is_an_outage():
    with pytest.raises(AuthUnavailable):
        exchange_key("http://127.0.0.1:1/v1/token", KEY)
