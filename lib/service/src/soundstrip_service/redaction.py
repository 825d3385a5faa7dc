"""Secrets are taken out of whatever is about to be shown."""

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"

_SECRET_KEY = re.compile(
    r"(^|[_\-.])(password|passwd|pwd|secret|secret_key|token|authorization|cookie|api[_\-]?key"
    r"|private_key|credentials?)$",
    re.IGNORECASE,
)
_URI_CREDENTIALS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.\-]*://)[^\s\"'<>]*@", re.I)
_HEADER_CREDENTIALS = re.compile(r"\b(?P<kind>Bearer|Basic)\s+[A-Za-z0-9+/=._~\-]{4,}", re.I)
_ASSIGNMENT = re.compile(
    r"(?P<name>\b[\w.\-]*(?:password|passwd|pwd|secret|secret_key|token|api[_\-]?key)"
    r"[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;)}\]]+",
    re.IGNORECASE,
)
_OWN = re.compile(r"\b(?P<kind>ss[rv]?_)[A-Za-z0-9_\-]{20,}")
"""Auth's API keys, refresh tokens and tokens of letters."""


def redact_text(text: str) -> str:
    """Return the text without auth's tokens and credentials in URIs, headers and assignments."""
    text = _URI_CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text)
    text = _HEADER_CREDENTIALS.sub(rf"\g<kind> {MASK}", text)
    text = _OWN.sub(rf"\g<kind>{MASK}", text)
    return _ASSIGNMENT.sub(rf"\g<name>{MASK}", text)


def redact(value: Any) -> Any:  # noqa: ANN401 - log fields hold anything
    """Return the value, however nested, with secrets masked by their keys and by their looks."""
    match value:
        case str():
            return redact_text(value)
        case Mapping():
            return {
                key: MASK if _is_secret(key) and item else redact(item)
                for key, item in value.items()
            }
        case list() | tuple():
            return [redact(item) for item in value]
        case _:
            return value


def _is_secret(key: object) -> bool:
    return isinstance(key, str) and _SECRET_KEY.search(key) is not None
