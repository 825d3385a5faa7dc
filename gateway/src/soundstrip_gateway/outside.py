"""Tokens of an outside issuer, by OpenID Connect: checked against its published keys."""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import jwt
import requests
from pydantic import Field, model_validator

from soundstrip_gateway.keys import AuthUnavailable, KeyRing, Keys
from soundstrip_service.settings import Settings

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""What may have signed: no shared secret, and nothing that is no signature."""

_LEEWAY_SECONDS = 30
_TIMEOUT_SECONDS = (2.0, 3.0)
_MOST_BYTES = 1024 * 1024
_DISCOVERY = "/.well-known/openid-configuration"
_NOT_A_JWKS = (AttributeError, TypeError, ValueError)
"""What PyJWT and json raise for JSON of another shape, and for what is no JSON."""


class OidcSettings(Settings):
    """The outside issuer whose tokens are taken, if there is one."""

    oidc_issuer: str | None = Field(
        None, description="an OpenID Connect issuer, as https://id.example.org; its tokens count"
    )
    oidc_audience: str | None = Field(
        None, description="what the claim aud of its tokens has to name; needed with OIDC_ISSUER"
    )
    oidc_id_claim: str = Field("sub", description="the claim that tells users apart", min_length=1)
    oidc_name_claim: str = Field("preferred_username", description="the claim with the name")
    oidc_email_claim: str = Field("email", description="the claim with the e-mail address")
    oidc_role_claim: str = Field(
        "roles", description="the claim with the roles: a text or a list; a.b is b inside of a"
    )
    oidc_admin_value: str = Field(
        "", description="who has this among the roles is an admin; empty: nobody is"
    )
    oidc_allow_http_loopback: bool = Field(
        default=False, description="take http://127.0.0.1 for an issuer; for tests"
    )

    @model_validator(mode="after")
    def _require_sound_issuer(self) -> Self:
        if self.oidc_issuer is None:
            return self
        if not self.oidc_audience:
            raise ValueError("OIDC_AUDIENCE is missing: a token for anybody is none for us")
        if not is_safe(self.oidc_issuer, loopback=self.oidc_allow_http_loopback):
            raise ValueError("OIDC_ISSUER is no https URL")
        return self


@dataclass(frozen=True)
class Mapped:
    """Which claims of the issuer say what."""

    id: str
    name: str
    email: str
    role: str
    admin_value: str


class Issuer:
    """Checks the tokens of one issuer, and says in our claims what they say."""

    def __init__(self, url: str, audience: str, mapped: Mapped, keys: KeyRing) -> None:
        self.url = url
        self._audience = audience
        self._mapped = mapped
        self._keys = keys

    def read(self, token: str) -> Mapping[str, Any]:
        """Return the claims of a token that the issuer made for us and that holds now.

        Raises:
            jwt.PyJWTError: If it is none.
            AuthUnavailable: If the issuer's keys were never to be had.
        """
        header = jwt.get_unverified_header(token)
        key = self._keys.find(str(header.get("kid", "")))
        if key is None or key.algorithm_name not in ALGORITHMS:
            raise jwt.InvalidKeyError("The issuer has no such key.")
        claims = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            issuer=self.url,
            audience=self._audience,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", self._mapped.id]},
        )
        return map_claims(claims, self.url, self._mapped)


def map_claims(claims: Mapping[str, Any], issuer: str, mapped: Mapped) -> dict[str, Any]:
    """Return what the claims say, in the words of our own tokens.

    The id is a hash of issuer and user, so it is a valid label value, and none of a user of ours:
    these have no dash. An address that the issuer says is unverified is left out.
    """
    user = str(claims[mapped.id])
    name = _find(claims, mapped.name)
    email = _find(claims, mapped.email)
    return {
        "sub": owner_id(issuer, user),
        "name": name if isinstance(name, str) and name else user,
        "email": email if claims.get("email_verified") is not False else None,
        "exp": claims.get("exp"),
        "admin": bool(mapped.admin_value) and mapped.admin_value in _roles(claims, mapped.role),
    }


def owner_id(issuer: str, user: str) -> str:
    """Return the id under which the issuer's user owns things here."""
    words = json.dumps([issuer, user])
    return f"oidc-{hashlib.sha256(words.encode()).hexdigest()[:40]}"


def _roles(claims: Mapping[str, Any], name: str) -> list[str]:
    found = _find(claims, name)
    match found:
        case str():
            return found.split(" ")
        case list():
            return [role for role in found if isinstance(role, str)]
        case _:
            return []


def _find(claims: Mapping[str, Any], name: str) -> object:
    """Return the claim of this name, or what a path of names leads to; None if it is not there."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def open_issuer(settings: OidcSettings) -> Issuer | None:
    """Return the issuer that the settings name, if any; it is asked for keys when one is needed."""
    url, audience = settings.oidc_issuer, settings.oidc_audience
    if url is None or audience is None:
        return None
    mapped = Mapped(
        id=settings.oidc_id_claim,
        name=settings.oidc_name_claim,
        email=settings.oidc_email_claim,
        role=settings.oidc_role_claim,
        admin_value=settings.oidc_admin_value,
    )
    loopback = settings.oidc_allow_http_loopback
    return Issuer(url, audience, mapped, KeyRing(lambda: discover_keys(url, loopback=loopback)))


def discover_keys(issuer: str, *, loopback: bool) -> Keys:
    """Return the issuer's signing keys by their ids.

    Raises:
        AuthUnavailable: If it does not answer, or not as OpenID Connect Discovery says.
    """
    try:
        found = _fetch(issuer.rstrip("/") + _DISCOVERY)
        if found["issuer"] != issuer or not is_safe(str(found["jwks_uri"]), loopback=loopback):
            raise AuthUnavailable("The outside issuer describes another one, or an unsafe place.")
        keys = jwt.PyJWKSet.from_dict(_fetch(str(found["jwks_uri"]))).keys
    except (requests.RequestException, jwt.PyJWTError, LookupError, *_NOT_A_JWKS) as error:
        raise AuthUnavailable(
            f"No keys from the outside issuer ({type(error).__name__})."
        ) from error
    return {key.key_id: key for key in keys if key.key_id and key.public_key_use != "enc"}


def is_safe(url: str, *, loopback: bool) -> bool:
    """Return whether nobody on the way can change what is fetched from there."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return loopback and parts.scheme == "http" and _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fetch(url: str) -> dict[str, Any]:
    with requests.get(url, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True) as answer:
        answer.raise_for_status()
        body = answer.raw.read(_MOST_BYTES + 1, decode_content=True)
    if len(body) > _MOST_BYTES:
        raise ValueError("too long")
    found: dict[str, Any] = json.loads(body)
    return found
