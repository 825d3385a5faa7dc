import msgspec
import pytest

from soundstrip_worker.journal import Journal


def test_a_line_is_json_in_the_form_of_the_other_services(capfd: pytest.CaptureFixture[str]):
    Journal("soundstrip_worker.mover", conversion="vc-1").info("source brought", bytes=3)
    line = msgspec.json.decode(capfd.readouterr().out)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "info",
        "event": "source brought",
        "logger": "soundstrip_worker.mover",
        "conversion": "vc-1",
        "bytes": 3,
    }
