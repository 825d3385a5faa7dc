"""What the environment says to auth."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from soundstrip_auth.parts import Registration
from soundstrip_service.browsers import BrowsedSettings
from soundstrip_service.mailing import SmtpSettings
from soundstrip_service.rate_settings import RateSettings, RateText
from soundstrip_service.rates import Rates, parse_rates
from soundstrip_service.settings import LogLevel, ServedSettings, Settings, Url

MIN_SECRET_BYTES = 32
"""Ed25519 keys have 256 bits of strength at most; a shorter secret would have less."""


class DatabaseSettings(Settings):
    """Where the users are."""

    mysql_host: str = Field(
        default="host.minikube.internal", description="the host that MySQL runs on"
    )
    mysql_port: int = Field(default=3306, ge=1, le=65535, description="MySQL's port")
    mysql_user: str = Field(description="the MySQL user, who may create tables in MYSQL_DB")
    mysql_password: SecretStr = Field(description="the MySQL user's password")
    mysql_db: str = Field(description="the MySQL database of the users; it must exist")
    mysql_wait_seconds: int = Field(
        default=90, ge=0, le=3600, description="how long to wait at the start for MySQL"
    )


class CreateUserSettings(DatabaseSettings):
    """What `create-user` needs."""

    log_level: LogLevel = Field(default="warning", description="debug, info, warning or error")
    user_password: SecretStr | None = Field(
        default=None, description="the new user's password; read from stdin when it is not set"
    )


def _split(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)]
Seconds = Annotated[int, Field(ge=1)]


class AuthSettings(DatabaseSettings, SmtpSettings, ServedSettings, RateSettings, BrowsedSettings):
    """What the service needs."""

    secret_key: SecretStr = Field(
        description="at least 32 bytes, which the keys of the tokens are derived from"
    )
    secret_key_previous: SecretStr | None = Field(
        default=None, description="another one, whose tokens are taken too while it is replaced"
    )
    access_token_seconds: Seconds = Field(
        default=600, le=3600, description="how long an access token of /v1 holds"
    )
    session_idle_seconds: Seconds = Field(
        default=14 * 86400, description="a session that was not used for so long has ended"
    )
    session_seconds: Seconds = Field(
        default=90 * 86400, description="how long a session goes on at most"
    )
    registration: Registration = Field(
        default=Registration.OFF, description="who may become a user: off, invitation or open"
    )
    audit_days: int = Field(
        default=365, ge=1, le=36500, description="how long the audit log is kept"
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="networks, separated by commas, of proxies whose X-Forwarded-For is believed",
    )
    rate_limit_letters: RateText = Field(
        default="30/hour", description="letters that one address asks for, or any"
    )
    auth_url: Url = Field(
        default="http://127.0.0.1:5000",
        description="where people reach this service; the commands in e-mails begin with it",
    )
    account_page_url: Url | None = Field(
        default=None,
        description="a page that takes the tokens of e-mails (#token=…); links lead there",
    )
    gateway_url: Url | None = Field(
        default=None, description="where people reach the gateway, for a link to its API's page"
    )
    host: str = Field(default="0.0.0.0", description="the address to listen on")  # noqa: S104 - in a pod
    port: int = Field(default=5000, ge=1, le=65535, description="the port to listen on")
    threads: int = Field(default=16, ge=4, le=64, description="how many requests run at once")
    timeout_seconds: int = Field(
        default=30, ge=2, le=3600, description="a client that is silent for so long is given up"
    )
    first_user_name: str | None = Field(
        default=None, description="this user is made at the start if nobody has the name or e-mail"
    )
    first_user_email: str | None = Field(default=None, description="the first user's e-mail")
    first_user_password: SecretStr | None = Field(
        default=None, description="the first user's password; never changes an existing user"
    )

    @property
    def all_rates(self) -> Rates:
        """The limits of requests, of letters too."""
        return replace(self.rates, letters=parse_rates(self.rate_limit_letters))

    @field_validator("secret_key", "secret_key_previous")
    @classmethod
    def _require_length(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(
                f"has fewer than {MIN_SECRET_BYTES} bytes; `openssl rand -hex 32` makes a good one"
            )
        return value

    @model_validator(mode="after")
    def _require_whole_first_user(self) -> Self:
        parts = (self.first_user_name, self.first_user_email, self.first_user_password)
        if any(part is None for part in parts) and any(part is not None for part in parts):
            raise ValueError(
                "FIRST_USER_NAME, FIRST_USER_EMAIL and FIRST_USER_PASSWORD: set all three or none"
            )
        return self
