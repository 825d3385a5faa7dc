"""Whose a request is, and by which limits it counts."""

from collections.abc import Callable

import flask

from soundstrip_gateway.keys import AuthUnavailable
from soundstrip_gateway.roles import roles_of
from soundstrip_gateway.tokens import Caller, TokenRefused, Tokens
from soundstrip_service.limiter import Limiter
from soundstrip_service.rates import Count, Rates, Scope, name_address

_LOGINS = frozenset({("legacy.login", "POST"), ("session.open_session", "POST")})


def build_meter(
    limiter: Limiter, rates: Rates, tokens: Tokens
) -> Callable[[flask.Request], list[Count]]:
    """Return what counts requests: those of a user by the user, all others by their address."""

    def count(request: flask.Request) -> list[Count]:
        address = name_address(request.remote_addr)
        caller = _find_caller(request, tokens)
        if caller is not None:
            return limiter.hit(Scope.USER, caller.id, rates.of_user(roles_of(caller)))
        counts = limiter.hit(Scope.ADDRESS, address, rates.address)
        if (request.endpoint, request.method) in _LOGINS:
            counts += limiter.hit(Scope.LOGIN, address, rates.login)
        return counts

    return count


def _find_caller(request: flask.Request, tokens: Tokens) -> Caller | None:
    """Whoever can't be told is counted by address; the route says what is wrong."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return tokens.verify(token.strip())
    except (TokenRefused, AuthUnavailable):
        return None
