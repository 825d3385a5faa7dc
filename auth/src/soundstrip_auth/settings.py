"""What the environment says to auth."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from soundstrip_service.settings import LogLevel, Settings

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


class AuthSettings(DatabaseSettings):
    """What the service needs."""

    secret_key: SecretStr = Field(
        description="at least 32 bytes, which the key of the tokens is derived from"
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

    @field_validator("secret_key")
    @classmethod
    def _require_length(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
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
