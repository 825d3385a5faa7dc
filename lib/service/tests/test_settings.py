import pytest
from pydantic import Field, SecretStr

from soundstrip_service.settings import Settings, load_settings


class Sample(Settings):
    mysql_host: str = Field(default="host.minikube.internal", description="where MySQL is")
    mysql_password: SecretStr = Field(description="the password of the MySQL user")
    secret_key: SecretStr = Field(description="what tokens are signed with", min_length=32)
    port: int = Field(default=5000, description="the port to listen on")


def load(argv: list[str]) -> Sample:
    return load_settings(Sample, program="sample", description="A sample.", argv=argv)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MYSQL_HOST", "MYSQL_PASSWORD", "SECRET_KEY", "PORT", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_variables_are_read_by_their_upper_case_names(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MYSQL_PASSWORD", "hush")
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    settings = load([])
    assert (settings.mysql_host, settings.port) == ("host.minikube.internal", 5000)
    assert settings.mysql_password.get_secret_value() == "hush"
    assert settings.log_level == "debug"
    assert "hush" not in repr(settings)


def test_one_message_names_all_that_is_missing_or_invalid_but_no_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SECRET_KEY", "too-short")
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(SystemExit) as exit_:
        load([])
    message = capsys.readouterr().err
    assert exit_.value.code == 2
    assert "MYSQL_PASSWORD (the password of the MySQL user): is missing" in message
    assert "SECRET_KEY (what tokens are signed with): " in message
    assert "PORT (the port to listen on): " in message
    assert "too-short" not in message
    assert "many" not in message


def test_an_empty_required_variable_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("MYSQL_PASSWORD", "")
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    with pytest.raises(SystemExit):
        load([])
    assert "MYSQL_PASSWORD" in capsys.readouterr().err


def test_help_tells_every_variable_with_default_and_meaning(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        load(["--help"])
    text = capsys.readouterr().out
    assert exit_.value.code == 0
    for expected in ("MYSQL_HOST", "host.minikube.internal", "where MySQL is", "(required)"):
        assert expected in text
    assert "LOG_LEVEL" in text


def test_an_unknown_argument_exits_with_2(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as exit_:
        load(["--port", "1"])
    assert exit_.value.code == 2
    assert "--port" in capsys.readouterr().err


def test_settings_cannot_be_changed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MYSQL_PASSWORD", "hush")
    monkeypatch.setenv("SECRET_KEY", "k" * 32)
    with pytest.raises(ValueError, match="frozen"):
        load([]).port = 1
