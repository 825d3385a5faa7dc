"""Logs as JSON lines on stdout, in the form of soundstrip_service's, without its import time."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

_STDOUT = 1


class Journal:
    """Writes each line at once and unbuffered: the process ends by `os._exit`."""

    def __init__(self, logger: str, **context: str | int) -> None:
        self._context = {"logger": logger, **context}

    def info(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON takes
        """Say what happened."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON takes
        """Say what went wrong and was lived with."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - whatever JSON takes
        """Say what ended the work."""
        self._write("error", event, fields)

    def _write(
        self, level: Literal["info", "warning", "error"], event: str, fields: dict[str, Any]
    ) -> None:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        line = {"timestamp": now, "level": level, "event": event, **self._context, **fields}
        with suppress(OSError):  # There is nowhere left to say it, and work goes on without.
            os.write(_STDOUT, msgspec.json.encode(line) + b"\n")
