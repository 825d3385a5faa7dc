"""What a person does: log in, upload, look, download; by HTTP and nothing else."""

from pathlib import Path
from typing import Any

import requests
from tests.e2e.port_forward import PortForward

_SECONDS = 60


class Person:
    """A user with a token."""

    def __init__(self, gateway: PortForward, name: str, password: str) -> None:
        self._gateway = gateway
        self.name = name
        answer = requests.post(self.url("/login"), auth=(name, password), timeout=_SECONDS)
        answer.raise_for_status()
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def url(self, path: str) -> str:
        """Return the address of a path on the gateway."""
        return f"http://127.0.0.1:{self._gateway.port}{path}"

    def request(
        self, method: str, path: str, *, seconds: float = _SECONDS, **options: Any
    ) -> requests.Response:
        """Send a request as this person and return the answer, whatever it is."""
        return requests.request(
            method, self.url(path), headers=self.headers, timeout=seconds, **options
        )

    def upload(self, path: Path, **fields: str) -> str:
        """Upload a file and return the name of its VideoConversion."""
        with path.open("rb") as file:
            answer = self.request(
                "POST", "/v1/conversions", files={"file": (path.name, file)}, data=fields
            )
        assert answer.status_code == requests.codes.accepted, answer.text
        return f"vc-{answer.json()['id'].removeprefix('vc-')}"

    def download(self, conversion: str, path: Path) -> Path:
        """Bring the result into a file."""
        answer = self.request("GET", f"/v1/conversions/{conversion}/result")
        answer.raise_for_status()
        path.write_bytes(answer.content)
        return path
