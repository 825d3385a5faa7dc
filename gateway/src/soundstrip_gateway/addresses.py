"""Where things are, as answers tell it, and what stands in their paths."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from soundstrip_gateway.views import ConversionId

LINKS = "/l"
UPLOADS = "/v1/uploads"
CONVERSION_ID = {"conversion_id": ConversionId}

_CONVERSIONS = "/v1/conversions"
_BATCHES = "/v1/batches"


@dataclass(frozen=True)
class Addresses:
    """The addresses of things: below `base`, or paths where that is empty."""

    base: str = ""

    def conversion(self, name: str) -> str:
        """Return where a conversion is."""
        return f"{self.base}{_CONVERSIONS}/{name}"

    def batch(self, name: str) -> str:
        """Return where a batch is."""
        return f"{self.base}{_BATCHES}/{name}"

    def children(self, batch: str) -> str:
        """Return where a batch's conversions are listed."""
        return f"{self.base}{_CONVERSIONS}?batch={batch}"

    def link(self, secret: str) -> str:
        """Return where the audio is for whoever has the secret."""
        return f"{self.base}{LINKS}/{secret}"

    def upload(self, upload_id: str, host_url: str) -> str:
        """Return where a resumable upload is, in full: some clients take no path."""
        return f"{self.root(host_url)}{UPLOADS}/{upload_id}"

    def root(self, host_url: str) -> str:
        """Return where the API is: by the setting, or else where this request was sent."""
        return self.base or host_url.rstrip("/")


def parse_base(text: str) -> str:
    """Return an http or https URL, without the slash at its end; an empty text is none.

    Raises:
        ValueError: If it is none, or has more behind its path.
    """
    parts = urlsplit(text)
    if text and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError("PUBLIC_URL is as https://audio.example.org")
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("PUBLIC_URL has neither user nor query nor fragment")
    return text.rstrip("/")


PublicUrl = Annotated[
    str,
    AfterValidator(parse_base),
    Field(
        description="where clients reach the gateway, as https://audio.example.org; answers tell "
        "addresses below it (none: paths, or what the request's Host says)",
    ),
]
