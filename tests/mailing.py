"""The mail sink as a process of its own, for tests."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from tests.processes import free_port, running
from tests.waiting import wait_until

_SECONDS = 60


@dataclass(frozen=True)
class Sink:
    """A running mail sink."""

    smtp_port: int
    url: str

    def get(self, path: str) -> requests.Response:
        """Ask its HTTP side."""
        return requests.get(self.url + path, timeout=_SECONDS)

    def behave(self, **behaviour: object) -> requests.Response:
        """Tell it to misbehave."""
        return requests.put(f"{self.url}/behaviour", json=behaviour, timeout=_SECONDS)

    def behaviour(self) -> dict[str, Any]:
        """How it was told to misbehave, and how often it still will."""
        told: dict[str, Any] = self.get("/behaviour").json()
        return told

    def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """What arrived, newest first, in full."""
        found = self.get("/messages" + (f"?to={to}" if to else "")).json()
        return [self.get(f"/messages/{summary['id']}").json() for summary in found]

    def reset(self) -> None:
        """Forget all mail, and take all mail."""
        for path in ("/messages", "/behaviour"):
            requests.delete(self.url + path, timeout=_SECONDS)

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            return self.get("/livez").ok
        except requests.RequestException:
            return False


def mail_settings(sink: Sink) -> dict[str, str]:
    """Return the settings of a service that sends by this sink."""
    return {
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(sink.smtp_port),
        "SMTP_TLS": "none",
        "GMAIL_ADDRESS": "soundstrip@example.net",
    }


@contextmanager
def running_sink(*arguments: str, smtp_port: int | None = None) -> Iterator[Sink]:
    """Run a sink until the block ends."""
    http_port = free_port()
    sink = Sink(smtp_port or free_port(), f"http://127.0.0.1:{http_port}")
    ports = [f"--smtp-port={sink.smtp_port}", f"--http-port={http_port}"]
    command = [sys.executable, "-m", "soundstrip_mail", "--host=127.0.0.1", *ports, *arguments]
    with running(command):
        wait_until(sink.answers, "the mail sink answers")
        yield sink
