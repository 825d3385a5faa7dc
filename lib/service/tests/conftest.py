import io
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from soundstrip_service.logs import configure_logs


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs("info")
    yield stdout
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
