"""Counts each request before its route runs, and tells in its answer what is left."""

import flask

from soundstrip_gateway.keys import AuthUnavailable
from soundstrip_gateway.limiter import Limiter
from soundstrip_gateway.rates import Count, Rates, Scope, describe_counts, name_address, refuse_rate
from soundstrip_gateway.roles import roles_of
from soundstrip_gateway.tokens import Caller, TokenRefused, Tokens

_UNCOUNTED = frozenset({"health.livez", "health.health"})
_LOGINS = frozenset({("legacy.login", "POST"), ("session.open_session", "POST")})


def install_metering(app: flask.Flask, limiter: Limiter, rates: Rates, tokens: Tokens) -> None:
    """Limit the app's requests: those of a user by the user, all others by their address."""

    def count() -> None:
        request = flask.request
        if request.endpoint in _UNCOUNTED or request.method == "OPTIONS":
            return
        flask.g.counts = _count(request, limiter, rates, tokens)
        problem = refuse_rate(flask.g.counts)
        if problem is not None:
            raise problem

    def tell(answer: flask.Response) -> flask.Response:
        for name, value in describe_counts(flask.g.get("counts", ())).items():
            answer.headers[name] = value
        return answer

    app.before_request(count)
    app.after_request(tell)


def _count(request: flask.Request, limiter: Limiter, rates: Rates, tokens: Tokens) -> list[Count]:
    address = name_address(request.remote_addr)
    caller = _find_caller(request, tokens)
    if caller is not None:
        return limiter.hit(Scope.USER, caller.id, rates.of_user(roles_of(caller)))
    counts = limiter.hit(Scope.ADDRESS, address, rates.address)
    if (request.endpoint, request.method) in _LOGINS:
        counts += limiter.hit(Scope.LOGIN, address, rates.login)
    return counts


def _find_caller(request: flask.Request, tokens: Tokens) -> Caller | None:
    """Whoever can't be told is counted by address; the route says what is wrong."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return tokens.verify(token.strip())
    except (TokenRefused, AuthUnavailable):
        return None
