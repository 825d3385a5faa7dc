"""The settings of limits and browsers, each read once and refused where it says nothing."""

from typing import Annotated

from pydantic import AfterValidator, Field

from soundstrip_gateway.allowances import parse_quotas
from soundstrip_gateway.browsers import Browsers, parse_origins
from soundstrip_gateway.rates import Rates, parse_rates, parse_rates_by_role
from soundstrip_service.settings import Settings


def _check_rates(text: str) -> str:
    parse_rates(text)
    return text


def _check_rates_by_role(text: str) -> str:
    parse_rates_by_role(text)
    return text


def _check_quotas(text: str) -> str:
    parse_quotas(text)
    return text


def _check_origins(text: str) -> str:
    parse_origins(text)
    return text


class LimitSettings(Settings):
    """How much users may have, and how often they may ask."""

    quotas: Annotated[str, AfterValidator(_check_quotas)] = Field(
        "{}",
        description='quotas by role, as {"user": {"bytes": 10000000000, "conversionsPerDay": 100, '
        '"mediaMinutesPerDay": 600, "concurrent": 10, "uploadBytes": 1000000000}}',
    )
    rate_limits: Annotated[str, AfterValidator(_check_rates_by_role)] = Field(
        '{"user": "3000/minute", "admin": "3000/minute"}',
        description="requests of one user by role, or any; several with ;",
    )
    rate_limit_address: Annotated[str, AfterValidator(_check_rates)] = Field(
        "600/minute", description="requests of one address that bring no good token, or any"
    )
    rate_limit_login: Annotated[str, AfterValidator(_check_rates)] = Field(
        "60/minute", description="attempts of one address to log in, or any"
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

    @property
    def rates(self) -> Rates:
        """The limits of requests."""
        return Rates(
            parse_rates_by_role(self.rate_limits),
            parse_rates(self.rate_limit_address),
            parse_rates(self.rate_limit_login),
        )


class BrowserSettings(Settings):
    """What browsers may do."""

    cors_origins: Annotated[str, AfterValidator(_check_origins)] = Field(
        "", description="origins whose pages may use the API, with commas; * for all"
    )
    hsts_seconds: int = Field(
        0, ge=0, description="tell browsers to stay with https for so long; 0: say nothing"
    )
    secure_cookies: bool = Field(
        True,  # noqa: FBT003 - pydantic's own way
        description="cookies over https alone; false for a page over plain http",
    )

    @property
    def browsers(self) -> Browsers:
        """What browsers may do."""
        return Browsers(parse_origins(self.cors_origins), self.hsts_seconds, self.secure_cookies)
