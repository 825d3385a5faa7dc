"""Who sent a request."""

import flask

from soundstrip_gateway.refusals import unauthorized
from soundstrip_gateway.tokens import Caller, Tokens


def identify(request: flask.Request, tokens: Tokens) -> Caller:
    """Return the user whose bearer token the request carries.

    Raises:
        Problem: 401 without a bearer token.
        TokenRefused: If the token proves nothing.
        AuthUnavailable: If tokens can't be checked yet.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("Log in, and send the token as `Authorization: Bearer …`.", "Bearer")
    return tokens.verify(token.strip())
