"""Whose a request is, and by which limits it counts."""

from collections.abc import Callable

import flask
import msgspec

from soundstrip_auth.api_keys import Owner
from soundstrip_auth.bodies import ApiKeyGrant, Grant
from soundstrip_auth.database import DatabaseUnavailable
from soundstrip_auth.origin import client_address
from soundstrip_auth.parts import Parts
from soundstrip_auth.tokens import TokenRefused
from soundstrip_auth.users import Role
from soundstrip_service.rates import Count, Scope, name_address
from soundstrip_service.scopes import is_api_key

_FROM_MEMORY = frozenset(
    {None, "legacy.validate", "legacy.jwks", "document.openapi", "document.docs"}
)
"""What is answered without MySQL, as each replica can: so each counts it alone, and it goes on
without MySQL. None is what there is not."""

_LOGINS = frozenset({"legacy.login", "sessions.create", "passwords.change"})
_LETTERS = frozenset({"passwords.request_reset", "registrations.request_registration"})


def build_meter(parts: Parts) -> Callable[[flask.Request], list[Count]]:
    """Return what counts requests: those of a user by the user, all others by their address.

    The gateway asks about API keys of all users from its own address: what is asked about a good
    one counts for its owner.
    """
    limiter, rates = parts.limiter, parts.rates

    def count(request: flask.Request) -> list[Count]:
        address = name_address(client_address())
        if request.endpoint in _FROM_MEMORY:
            owner = _read_token(request, parts)
            hit = limiter.hit_alone
        else:
            owner = _read_token(request, parts) or _look_up_key(request, parts)
            hit = limiter.hit
        counts = (
            hit(Scope.USER, owner.user_id, rates.of_user([owner.role]))
            if owner
            else hit(Scope.ADDRESS, address, rates.address)
        )
        if request.endpoint in _LOGINS:
            counts += limiter.hit(Scope.LOGIN, address, rates.login)
        if request.endpoint in _LETTERS:
            counts += limiter.hit(Scope.LETTERS, address, rates.letters)
        return counts

    return count


def _read_token(request: flask.Request, parts: Parts) -> Owner | None:
    """Whoever can't be told is counted by address; the route says what is wrong."""
    try:
        claims = parts.tokens.read(_bearer(request))
    except TokenRefused:
        return None
    return Owner(str(claims["sub"]), Role.ADMIN if claims.get("admin") else Role.USER)


def _look_up_key(request: flask.Request, parts: Parts) -> Owner | None:
    key = _bearer(request) or _granted_key(request)
    try:
        return parts.api_keys.find_owner(key) if is_api_key(key) else None
    except DatabaseUnavailable:
        return None


def _bearer(request: flask.Request) -> str:
    given = request.authorization
    return (given.token or "") if given and given.type == "bearer" else ""


def _granted_key(request: flask.Request) -> str:
    """Return the API key that a token is asked for with."""
    if request.endpoint != "sessions.exchange":
        return ""
    try:
        grant = msgspec.json.decode(request.get_data(), type=Grant)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return grant.api_key if isinstance(grant, ApiKeyGrant) else ""
