"""The settings of limits and browsers, each read once and refused where it says nothing."""

from typing import Annotated

from pydantic import AfterValidator, Field

from soundstrip_gateway.allowances import parse_quotas
from soundstrip_gateway.browsers import Browsers
from soundstrip_service.browsers import BrowsedSettings
from soundstrip_service.rate_settings import RateSettings


def _check_quotas(text: str) -> str:
    parse_quotas(text)
    return text


class LimitSettings(RateSettings):
    """How much users may have, and how often they may ask."""

    quotas: Annotated[str, AfterValidator(_check_quotas)] = Field(
        "{}",
        description='quotas by role, as {"user": {"bytes": 10000000000, "conversionsPerDay": 100, '
        '"mediaMinutesPerDay": 600, "concurrent": 10, "uploadBytes": 1000000000}}',
    )
    rate_limit_patience_seconds: float = Field(
        0.5,
        gt=0,
        le=10,
        description="how long a request waits for its count in MongoDB, before its replica counts "
        "alone for a while",
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="proxies before the gateway whose X-Forwarded-* is believed"
    )


class BrowserSettings(BrowsedSettings):
    """What browsers may do."""

    secure_cookies: bool = Field(
        True,  # noqa: FBT003 - pydantic's own way
        description="cookies over https alone; false for a page over plain http",
    )

    @property
    def browsers(self) -> Browsers:
        """What browsers may do."""
        return Browsers(self.origins, self.hsts_seconds, self.secure_cookies)
