"""The settings of rate limits, each read once and refused where it says nothing."""

from typing import Annotated

from pydantic import AfterValidator, Field

from soundstrip_service.rates import Rates, parse_rates, parse_rates_by_role
from soundstrip_service.settings import Settings


def _check_rates(text: str) -> str:
    parse_rates(text)
    return text


def _check_rates_by_role(text: str) -> str:
    parse_rates_by_role(text)
    return text


RateText = Annotated[str, AfterValidator(_check_rates)]


class RateSettings(Settings):
    """How often there may be requests."""

    rate_limits: Annotated[str, AfterValidator(_check_rates_by_role)] = Field(
        '{"user": "3000/minute", "admin": "3000/minute"}',
        description="requests of one user by role, or any; several with ;",
    )
    rate_limit_address: RateText = Field(
        "600/minute", description="requests of one address that bring no good token, or any"
    )
    rate_limit_login: RateText = Field(
        "60/minute", description="attempts of one address to log in, or any"
    )

    @property
    def rates(self) -> Rates:
        """The limits of requests."""
        return Rates(
            parse_rates_by_role(self.rate_limits),
            parse_rates(self.rate_limit_address),
            parse_rates(self.rate_limit_login),
        )
