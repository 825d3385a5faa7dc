"""The program's edges, as a person at a terminal sees them."""

import os
import subprocess
import sys

import pytest
from pydantic import ValidationError

from soundstrip_notifier.settings import NotifierSettings


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": os.environ["PATH"]}
    command = [sys.executable, "-m", "soundstrip_notifier", *arguments]
    return subprocess.run(
        command, env=kept | environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_all_missing_variables_are_named_at_once():
    done = run()
    assert done.returncode == 2
    assert "GMAIL_ADDRESS" in done.stderr
    assert "GMAIL_PASSWORD" in done.stderr


def test_help_names_every_variable():
    done = run("--help")
    assert done.returncode == 0
    assert all(name.upper() in done.stdout for name in NotifierSettings.model_fields)


def test_replay_says_that_rabbitmq_is_away_and_fails():
    done = run("replay", RABBITMQ_HOST="127.0.0.1", RABBITMQ_PORT="1")
    assert done.returncode == 1
    assert "RabbitMQ" in done.stderr


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GMAIL_ADDRESS", "soundstrip@example.net")
    monkeypatch.setenv("SMTP_TLS", "none")
    return monkeypatch


def test_no_password_is_needed_where_none_may_be_sent(environment: pytest.MonkeyPatch):
    assert NotifierSettings().gmail_password.get_secret_value() == ""


def test_delays_are_read_from_a_list_with_commas(environment: pytest.MonkeyPatch):
    environment.setenv("RETRY_SECONDS", "1,2,3")
    assert NotifierSettings().retry_seconds == (1, 2, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RETRY_SECONDS", "0"),
        ("RETRY_SECONDS", "soon"),
        ("SMTP_PORT", "0"),
        ("SMTP_TLS", "ssl"),
        ("GMAIL_ADDRESS", "nobody"),
        ("GMAIL_PASSWORD", "straße"),
        ("PUBLIC_URL", "javascript:alert(1)"),
    ],
)
def test_a_value_out_of_bounds_is_refused(environment: pytest.MonkeyPatch, name: str, value: str):
    environment.setenv(name, value)
    with pytest.raises(ValidationError):
        NotifierSettings()
