"""The settings of a service that sends e-mails."""

import socket
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator

from soundstrip_service.addresses import AddressRefused, parse_address
from soundstrip_service.mailer import SmtpServer
from soundstrip_service.settings import Settings

Port = Annotated[int, Field(ge=1, le=65535)]


def _check_address(value: str) -> str:
    try:
        return str(parse_address(value))
    except AddressRefused as error:
        raise ValueError("is not an e-mail address") from error


MailAddress = Annotated[str, AfterValidator(_check_address)]


class SmtpSettings(Settings):
    """Where e-mails are handed in; the names are the seed's, the server need not be Gmail's.

    The service itself says whether it can do without a sender (`gmail_address`).
    """

    smtp_host: str = Field("smtp.gmail.com", description="the SMTP server")
    smtp_port: Port = Field(587, description="its port")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="starttls, tls (from the first byte) or none (no log-in then)"
    )
    gmail_address: MailAddress | None = Field(
        None, description="the sender, and the user name at the SMTP server"
    )
    gmail_password: SecretStr = Field(
        SecretStr(""),
        validate_default=True,
        description="the password there (Gmail: an app password); required unless SMTP_TLS is none",
    )

    @field_validator("gmail_password")
    @classmethod
    def _is_there_when_needed(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        password = value.get_secret_value()
        sends = info.data.get("gmail_address", "") is not None
        if sends and not password and info.data.get("smtp_tls") != "none":
            raise ValueError("is missing")
        if not password.isascii():
            raise ValueError("has characters beyond ASCII, which SMTP's log-in cannot carry")
        return value


def smtp_server(settings: SmtpSettings, sender: str) -> SmtpServer:
    """Return the server that the settings name, at which `sender` logs in."""
    return SmtpServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        tls=settings.smtp_tls,
        user=sender,
        password=settings.gmail_password.get_secret_value(),
        local_hostname=socket.getfqdn(),
    )
