"""Who is asking: a bearer token, checked here against public keys, or an API key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import msgspec

from soundstrip_crds.conversion import Owner
from soundstrip_gateway.api_keys import ApiKeys, KeyRefused
from soundstrip_gateway.keys import KeyRing
from soundstrip_gateway.outside import Issuer
from soundstrip_service.scopes import ALL_SCOPES, Scope, is_api_key, parse_scopes

ISSUER = "soundstrip-auth"
AUDIENCE = "soundstrip"

_ALGORITHM = "EdDSA"
_LEEWAY_SECONDS = 10
_MAX_TOKEN = 8192
"""Outside issuers put all of a user's groups into theirs."""
_MAX_NAME = 127
_MAX_EMAIL = 254
_API_KEY_PREFIX = "ss_"


class TokenRefused(Exception):
    """The token proves nothing; the sentence says why, and never holds the token."""


@dataclass(frozen=True)
class Caller:
    """The user on whose behalf a request comes; `email` is where messages go, if anywhere.

    `expires_at`, in seconds since 1970, is when the proof of that loses its worth.
    """

    id: str
    name: str
    email: str | None
    admin: bool
    expires_at: float | None = None
    scopes: frozenset[Scope] = ALL_SCOPES
    """What the token is for; of those for admins only an admin's count (`may`)."""

    def may(self, scope: Scope) -> bool:
        """Return whether the token is for this, and the user's role as well."""
        return scope in self.scopes and (self.admin or not scope.is_for_admins)


class Tokens:
    """Checks tokens of the auth service and of the outside issuer, and API keys."""

    def __init__(
        self, keys: KeyRing, api_keys: ApiKeys | None = None, outside: Issuer | None = None
    ) -> None:
        self._keys = keys
        self._api_keys = api_keys
        self._outside = outside

    def verify(self, token: str) -> Caller:
        """Return whose token, or API key, it is.

        Raises:
            TokenRefused: If it is malformed, expired, or not by those who make tokens for us.
            AuthUnavailable: If it can't be checked: keys were never to be had, or an API key is
                not known yet and the auth service does not answer.
        """
        if len(token) > _MAX_TOKEN:
            raise TokenRefused("The token is none of this service's.")
        try:
            return read_claims(self._decode(self._exchange(token)))
        except jwt.ExpiredSignatureError as error:
            raise TokenRefused("The token has expired; log in again.") from error
        except KeyRefused as error:
            raise TokenRefused(str(error)) from error
        except (jwt.PyJWTError, msgspec.ValidationError) as error:
            raise TokenRefused("The token is none of this service's.") from error

    def _exchange(self, token: str) -> str:
        """Return the token for an API key; any other as it is."""
        if not token.startswith(_API_KEY_PREFIX):
            return token
        if self._api_keys is None or not is_api_key(token):
            raise TokenRefused("The API key is none; look whether all of it was copied.")
        return self._api_keys.token(token)

    def _decode(self, token: str) -> Mapping[str, Any]:
        """Who says that they made it decides whose keys count, and no other's do."""
        if self._outside is not None and _claimed_issuer(token) == self._outside.url:
            return self._outside.read(token)
        return self._decode_own(token)

    def _decode_own(self, token: str) -> Mapping[str, Any]:
        key = self._keys.find(str(jwt.get_unverified_header(token).get("kid", "")))
        if key is None:
            raise TokenRefused("The token's key is unknown; log in again.")
        return jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )


def read_claims(claims: Mapping[str, Any]) -> Caller:
    """Return the caller that verified claims speak of; without `scope` they are for everything.

    Raises:
        msgspec.ValidationError: If `sub` is not fit to be an owner's id.
    """
    name = str(claims.get("username") or claims.get("name") or claims["sub"])[:_MAX_NAME]
    owner = msgspec.convert({"id": claims["sub"], "name": name}, Owner)
    email = claims.get("email")
    sendable = isinstance(email, str) and "@" in email and len(email) <= _MAX_EMAIL
    scope = claims.get("scope")
    return Caller(
        id=owner.id,
        name=owner.name,
        email=email if sendable else None,
        admin=claims.get("admin") is True,
        expires_at=claims.get("exp"),
        scopes=ALL_SCOPES if scope is None else parse_scopes(str(scope)),
    )


def _claimed_issuer(token: str) -> object:
    """Return who made the token if it is to be believed, which is not checked here."""
    return jwt.decode(token, options={"verify_signature": False}).get("iss")
