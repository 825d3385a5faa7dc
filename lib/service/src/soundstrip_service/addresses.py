"""E-mail addresses: what we are able to write to, and nothing that could mean more."""

import re
from dataclasses import dataclass

_LONGEST = 254
_LOCAL = re.compile(r"[^\x00-\x20\x7f@<>()\[\]\\,;:\"]{1,64}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class AddressRefused(ValueError):
    """No such address can be written to."""


@dataclass(frozen=True)
class Address:
    """An address; the domain is ASCII (IDNA), the local part may not be (RFC 6531)."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def parse_address(text: str) -> Address:
    """Parse `local@domain`; quoted local parts and address literals are not taken.

    Raises:
        AddressRefused: no such address can be written to.
    """
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    fits = len(text) <= _LONGEST and local.isprintable()
    if at and fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain):
        return Address(local, ascii_domain)
    raise AddressRefused("the e-mail address is not one that can be written to")
