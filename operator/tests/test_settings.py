"""What the operator's environment may hold."""

from typing import Any

import pytest
from pydantic import ValidationError

from soundstrip_operator.configuration import worker_of
from soundstrip_operator.settings import OperatorSettings


def settings(**changes: Any) -> OperatorSettings:
    required = {
        "namespace": "n",
        "install_id": "i",
        "mongo_uri": "m",
        "worker_image": "w",
        "mover_secret": "s",
        "progress_url": "u",
        "progress_key": "0" * 32,
    }
    return OperatorSettings(**required, **changes)


def test_a_lifetime_is_a_number_of_seconds_or_never():
    assert settings().default_ttl_seconds == 7 * 24 * 3600
    assert settings(default_ttl_seconds="0").default_ttl_seconds == 0
    assert settings(default_ttl_seconds="never").default_ttl_seconds is None


@pytest.mark.parametrize("wrong", ["1h", "-1", "Never", "inf", "nan", "315360001"])
def test_any_other_lifetime_is_refused(wrong: str):
    with pytest.raises(ValidationError):
        settings(default_ttl_seconds=wrong)


@pytest.mark.parametrize(("limit", "cores"), [("2", 2), ("2500m", 3), ("0", 1), ("64", 16)])
def test_a_converter_runs_as_many_ffmpegs_as_it_has_cores(limit: str, cores: int):
    assert worker_of(settings(converter_cpu_limit=limit)).cores == cores


def test_cpu_is_a_quantity():
    with pytest.raises(ValidationError, match="quantity of CPU"):
        settings(converter_cpu_limit="two")
