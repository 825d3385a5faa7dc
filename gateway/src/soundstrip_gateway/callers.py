"""Who sent a request, and whether their token is for it: asked here, and nowhere else."""

import flask

from soundstrip_gateway.refusals import beyond_scope, unauthorized
from soundstrip_gateway.tokens import Caller, Tokens
from soundstrip_service.scopes import Scope

READING = frozenset({"GET", "HEAD", "OPTIONS"})


def identify(request: flask.Request, tokens: Tokens, scope: Scope | None = None) -> Caller:
    """Return the user whose bearer token, or API key, the request carries.

    Args:
        request: The request.
        tokens: What checks it.
        scope: What the token has to be for; unsaid, it is reading or writing conversions, as the
            request's method is.

    Raises:
        Problem: 401 without a bearer token; 403 if it is for other things, or for admins only.
        TokenRefused: If the token proves nothing.
        AuthUnavailable: If tokens can't be checked yet.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("Log in, and send the token as `Authorization: Bearer …`.", "Bearer")
    caller = tokens.verify(token.strip())
    needed = scope or default_scope(request.method)
    if not caller.may(needed):
        raise beyond_scope(needed)
    return caller


def default_scope(method: str) -> Scope:
    """Return what a token has to be for where a route does not say it."""
    return Scope.CONVERSIONS_READ if method in READING else Scope.CONVERSIONS_WRITE
