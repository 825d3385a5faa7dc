"""The environment variables of the notifier."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PositiveInt, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from soundstrip_crds.events import DEFAULT_QUEUE
from soundstrip_notifier.address import parse_address
from soundstrip_notifier.errors import Refused
from soundstrip_service.settings import Settings, TracedSettings

Port = Annotated[int, Field(ge=1, le=65535)]


def _split(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


Delays = Annotated[tuple[PositiveInt, ...], NoDecode, BeforeValidator(_split), Field(min_length=1)]


class BrokerSettings(Settings):
    """What is needed to reach RabbitMQ."""

    rabbitmq_uri: SecretStr | None = Field(
        None, description="amqp://user:password@host:port/vhost; wins over the four below"
    )
    rabbitmq_host: str = Field("rabbitmq", description="RabbitMQ's host")
    rabbitmq_port: Port = Field(5672, description="RabbitMQ's port")
    rabbitmq_user: str = Field("guest", description="RabbitMQ's user")
    rabbitmq_password: SecretStr = Field(SecretStr("guest"), description="RabbitMQ's password")
    mp3_queue: str = Field(DEFAULT_QUEUE, min_length=1, max_length=200, description="the queue")


class NotifierSettings(BrokerSettings, TracedSettings):
    """What the notifier needs besides."""

    mongo_uri: SecretStr | None = Field(None, description="wins over MONGO_HOST and MONGO_PORT")
    mongo_host: str = Field("host.minikube.internal", description="MongoDB's host")
    mongo_port: Port = Field(27017, description="MongoDB's port")
    mongo_db: str = Field("soundstrip", min_length=1, description="MongoDB's database")
    smtp_host: str = Field("smtp.gmail.com", description="the SMTP server")
    smtp_port: Port = Field(587, description="its port")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls (from the first byte) or none (no log-in then)"
    )
    gmail_address: str = Field(description="the sender, and the user name at the SMTP server")
    gmail_password: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="the password there (Gmail: an app password); required unless SMTP_TLS is none",
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^\s\"'<>]+$",
        description="where people reach the gateway; download links begin with it",
    )
    retry_seconds: Delays = Field(
        "5,30,120,600,1800,3600,3600",
        validate_default=True,
        description="seconds before each further try, separated by commas; then the dead queue",
    )
    port: Port = Field(8080, description="the port of /livez and /health")

    @field_validator("gmail_address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        try:
            return str(parse_address(value))
        except Refused as error:
            raise ValueError("is not an e-mail address") from error

    @field_validator("gmail_password")
    @classmethod
    def _is_there_when_needed(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        password = value.get_secret_value()
        if not password and info.data.get("smtp_tls") != "none":
            raise ValueError("is missing")
        if not password.isascii():
            raise ValueError("has characters beyond ASCII, which SMTP's log-in cannot carry")
        return value
