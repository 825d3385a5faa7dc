"""Settings: environment variables, described where they are declared."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from soundstrip_service.pace import Pace

LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(str.lower)]

Url = Annotated[str, Field(pattern=r"^https?://[^\s\"'<>]+$")]

EXIT_USAGE = 2
"""The exit code for wrong arguments and for wrong or missing environment variables."""


class Settings(BaseSettings):
    """The base of a service's settings: each field is the variable of its upper-case name.

    An empty variable counts as one that is not set.
    """

    model_config = SettingsConfigDict(
        frozen=True, hide_input_in_errors=True, extra="ignore", env_ignore_empty=True
    )

    log_level: LogLevel = Field(default="info", description="debug, info, warning or error")


class TracedSettings(Settings):
    """The settings of a service that takes part in traces."""

    otel_exporter_otlp_endpoint: Annotated[str, Field(pattern="^https?://")] | None = Field(
        default=None,
        description="collector of traces (OTLP/HTTP), as http://collector:4318; none: no traces",
    )


class ServedSettings(Settings):
    """The settings of a service that has an HTTP server."""

    header_seconds: float = Field(
        default=15, gt=0, description="how long a client may take for a request's header"
    )
    slowest_bytes_per_second: int = Field(
        default=1024,
        ge=0,
        description="a client that sends or takes less, on the average, is given up; 0: never",
    )
    slow_grace_seconds: float = Field(
        default=30, ge=0, description="how long a client may be slower than that"
    )

    @property
    def pace(self) -> Pace:
        """The slowest that a client may be."""
        return Pace(self.header_seconds, self.slowest_bytes_per_second, self.slow_grace_seconds)


S = TypeVar("S", bound=Settings)


def load_settings(cls: type[S], *, program: str, description: str, argv: Sequence[str]) -> S:
    """Return the settings that the environment holds, for a program that takes no arguments.

    `--help` prints every variable and exits with 0. Other arguments, and missing or invalid
    variables, exit with 2 and one message on stderr, which never holds a variable's value.
    """
    argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=describe_settings(cls),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(argv)
    return read_settings(cls, program=program)


def read_settings(cls: type[S], *, program: str) -> S:
    """Return the settings that the environment holds, or exit with 2 and one message."""
    try:
        return cls()
    except ValidationError as error:
        complaints = _complaints(cls, error)
    except SettingsError as error:
        complaints = [str(error)]
    print(f"{program}: the environment is not as it should be:", file=sys.stderr)
    print("\n".join(f"  {complaint}" for complaint in complaints), file=sys.stderr)
    sys.exit(EXIT_USAGE)


def describe_settings(cls: type[Settings]) -> str:
    """Return the table of all environment variables for `--help`."""
    rows = [
        (name.upper(), _default(field), field.description or "")
        for name, field in cls.model_fields.items()
    ]
    return "environment variables:\n" + _table([("VARIABLE", "DEFAULT", "MEANING"), *rows])


def _table(rows: Sequence[tuple[str, str, str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value == "" or isinstance(value, SecretStr):
        return "(not set)"
    return str(value)


def _complaints(cls: type[Settings], error: ValidationError) -> Iterable[str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [_complaint(cls, item["loc"], item["type"], item["msg"]) for item in found]


def _complaint(cls: type[Settings], where: tuple[Any, ...], kind: str, message: str) -> str:
    name = str(where[0]) if where else ""
    field = cls.model_fields.get(name)
    meaning = f" ({field.description})" if field and field.description else ""
    fault = "is missing" if kind == "missing" else message.removeprefix("Value error, ")
    return f"{name.upper()}{meaning}: {fault}" if name else fault
