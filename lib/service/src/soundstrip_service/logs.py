"""Logs: one JSON object a line on stdout, whoever writes it."""

import logging
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from soundstrip_service.redaction import redact


def configure_logs(level: str) -> None:
    """Send everything that structlog and `logging` are told to stdout, as JSON lines.

    Each line has `timestamp` (UTC, ISO 8601), `level`, `event`, `logger`, and the bound fields.
    Secrets are masked: by the key they stand under, and by their looks in any text.
    """
    shared = _shared_processors()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _configure_stdlib(level, shared)


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _mask_secrets,
    ]


def _configure_stdlib(level: str, shared: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)


def _mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    shown = {key: value for key, value in event.items() if not key.startswith("_")}
    event.update(redact(shown))
    return event
