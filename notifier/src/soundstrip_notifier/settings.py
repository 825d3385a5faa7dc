"""The environment variables of the notifier."""

from typing import Annotated

from pydantic import BeforeValidator, Field, PositiveInt, SecretStr
from pydantic_settings import NoDecode

from soundstrip_crds.events import DEFAULT_QUEUE
from soundstrip_service.mailing import MailAddress, Port, SmtpSettings
from soundstrip_service.settings import Settings, TracedSettings


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


class NotifierSettings(BrokerSettings, SmtpSettings, TracedSettings):
    """What the notifier needs besides."""

    mongo_uri: SecretStr | None = Field(None, description="wins over MONGO_HOST and MONGO_PORT")
    mongo_host: str = Field("host.minikube.internal", description="MongoDB's host")
    mongo_port: Port = Field(27017, description="MongoDB's port")
    mongo_db: str = Field("soundstrip", min_length=1, description="MongoDB's database")
    gmail_address: MailAddress = Field(
        description="the sender, and the user name at the SMTP server"
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
