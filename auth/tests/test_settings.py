import subprocess
import sys

import pytest

from soundstrip_auth.main import main

COMMAND = ["create-user", "--name", "anna", "--email", "a@b.de"]
MINIMUM = {"MYSQL_USER": "u", "MYSQL_PASSWORD": "p", "MYSQL_DB": "d", "SECRET_KEY": "k" * 32}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MYSQL_HOST", "MYSQL_PORT", "FIRST_USER_NAME", "FIRST_USER_EMAIL", *MINIMUM):
        monkeypatch.delenv(name, raising=False)


def fail(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    return capsys.readouterr().err


def test_one_message_names_all_that_is_missing(capsys: pytest.CaptureFixture[str]):
    message = fail([], capsys)
    for name in MINIMUM:
        assert name in message


def test_a_secret_key_of_31_bytes_is_refused_without_telling_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in (MINIMUM | {"SECRET_KEY": "k" * 31}).items():
        monkeypatch.setenv(name, value)
    message = fail([], capsys)
    assert "SECRET_KEY" in message
    assert "32 bytes" in message
    assert "k" * 31 not in message


def test_half_a_first_user_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name, value in (MINIMUM | {"FIRST_USER_NAME": "anna"}).items():
        monkeypatch.setenv(name, value)
    assert "FIRST_USER_PASSWORD" in fail([], capsys)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RATE_LIMITS", '{"user": "often"}'),
        ("RATE_LIMIT_LETTERS", "10/fortnight"),
        ("CORS_ORIGINS", "app.example.org"),
        ("GATEWAY_URL", "sound.example.org"),
    ],
)
def test_limits_and_origins_that_are_none_are_refused(
    name: str,
    value: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    for each, text in (MINIMUM | {name: value}).items():
        monkeypatch.setenv(each, text)
    assert name in fail([], capsys)


def test_the_command_needs_no_secret_key_and_takes_no_password_as_argument(
    capsys: pytest.CaptureFixture[str],
):
    message = fail(COMMAND, capsys)
    assert "MYSQL_USER" in message
    assert "SECRET_KEY" not in message
    assert "--password" in fail([*COMMAND, "--password", "x"], capsys)


@pytest.mark.parametrize("argv", [["--help"], ["create-user", "--help"]])
def test_help_works_from_the_command_line_with_an_empty_environment(argv: list[str]):
    command = [sys.executable, "-m", "soundstrip_auth", *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={}, timeout=120)
    assert "MYSQL_HOST" in done.stdout
    assert "host.minikube.internal" in done.stdout
