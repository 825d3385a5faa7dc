import io
import json
import logging

import structlog


def read(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_structlog_and_logging_write_the_same_kind_of_line(written: io.StringIO):
    structlog.get_logger("ours").bind(conversion="vc-1").info("stored %s", "it", size=3)
    logging.getLogger("theirs").warning("lost %d", 2)
    ours, theirs = read(written)
    assert ours.items() >= {
        "event": "stored it", "level": "info", "logger": "ours", "conversion": "vc-1", "size": 3
    }.items()  # fmt: skip
    assert theirs.items() >= {"event": "lost 2", "level": "warning", "logger": "theirs"}.items()
    assert str(ours["timestamp"]).endswith("Z")


def test_secrets_are_masked_in_events_fields_and_tracebacks(written: io.StringIO):
    log = structlog.get_logger("ours")
    error = OSError("no answer from mongodb://root:geheim@mongo")
    log.error("failed", exc_info=error, password="geheim", uri="amqp://u:geheim@rabbit")
    logging.getLogger("theirs").error("sent Authorization: Bearer geheim1234")
    text = written.getvalue()
    assert "OSError" in text
    assert "geheim" not in text


def test_a_level_below_the_configured_one_is_not_written(written: io.StringIO):
    structlog.get_logger("ours").debug("quiet")
    logging.getLogger("theirs").debug("quiet")
    assert read(written) == []
