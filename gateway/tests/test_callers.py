"""Whether a token is for a request is asked in one place."""

import flask
import pytest

from soundstrip_gateway.callers import identify
from soundstrip_gateway.keys import KeyRing
from soundstrip_gateway.tokens import Caller, Tokens
from soundstrip_service.problems import Problem
from soundstrip_service.scopes import ALL_SCOPES, Scope


class Known(Tokens):
    """Takes any token for this caller's."""

    def __init__(self, scopes: frozenset[Scope], *, admin: bool = False) -> None:
        super().__init__(KeyRing(dict))
        self._caller = Caller("42", "ann", None, admin, scopes=scopes)

    def verify(self, token: str) -> Caller:
        return self._caller


def ask(tokens: Tokens, method: str, scope: Scope | None = None) -> Caller:
    headers = {"Authorization": "Bearer x"}
    with flask.Flask("test").test_request_context(method=method, headers=headers):
        return identify(flask.request, tokens, scope)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_may_read_reads(method: str):
    assert ask(Known(frozenset({Scope.CONVERSIONS_READ})), method).id == "42"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MADEUP"])
def test_who_may_only_read_changes_nothing(method: str):
    with pytest.raises(Problem) as refused:
        ask(Known(frozenset({Scope.CONVERSIONS_READ})), method)
    assert refused.value.status == 403
    assert 'error="insufficient_scope"' in refused.value.headers["WWW-Authenticate"]


def test_an_admin_s_routes_take_the_role_and_the_scope():
    ask(Known(ALL_SCOPES, admin=True), "GET", Scope.ADMIN_READ)
    for tokens in (
        Known(ALL_SCOPES),
        Known(frozenset({Scope.ADMIN_READ})),
        Known(frozenset({Scope.CONVERSIONS_READ}), admin=True),
    ):
        with pytest.raises(Problem) as refused:
            ask(tokens, "GET", Scope.ADMIN_READ)
        assert refused.value.status == 403


@pytest.mark.parametrize("header", ["", "Basic x", "Bearer", "Bearer  "])
def test_without_a_token_it_is_401(header: str):
    headers = {"Authorization": header}
    with (
        flask.Flask("test").test_request_context(headers=headers),
        pytest.raises(Problem) as refused,
    ):
        identify(flask.request, Known(ALL_SCOPES))
    assert refused.value.status == 401
