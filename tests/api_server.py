"""The API server, asked without a process in between: a kubectl costs a fifth of a second."""

import base64
import json
import ssl
import subprocess
import tempfile
from functools import cache
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml

CONTEXT = "kind-soundstrip"

Body = dict[str, Any]

_MERGE = "application/merge-patch+json"


class Refused(AssertionError):
    """The API server refused; the text is what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class ApiServer:
    """An API server with an administrator's rights; its answers are parsed."""

    def __init__(self, kubeconfig: str) -> None:
        self._url, tls = read_kubeconfig(kubeconfig)
        again = urllib3.Retry(2, redirect=0, status=0)  # what changes nothing, or was not sent
        self._pool = urllib3.PoolManager(ssl_context=tls, maxsize=8, retries=again, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, **words: str) -> Body:
        """Send a request; the words go into the query.

        Raises:
            Refused: For any answer that is none of success.
        """
        answer = self._pool.request(
            method,
            f"{self._url}/{path}?{urlencode(words)}",
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": _MERGE if method == "PATCH" else "application/json"},
        )
        told: Body = answer.json()
        if answer.status >= 400:
            raise Refused(answer.status, told["message"])
        return told


def read_kubeconfig(text: str) -> tuple[str, ssl.SSLContext]:
    """Return the address of the API server of a configuration, and what proves who is asking."""
    config = yaml.safe_load(text)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    parts = (user["client-certificate-data"], user["client-key-data"])
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(b"".join(base64.b64decode(part) for part in parts))
        pair.flush()
        tls.load_cert_chain(pair.name)
    return cluster["server"], tls


@cache
def kubeconfig_of(context: str) -> str:
    """Return the configuration by which a cluster is reached, credentials included."""
    command = ["kubectl", f"--context={context}", "config", "view", "--minify", "--raw"]
    return subprocess.run(
        [*command, "--flatten"], check=True, capture_output=True, text=True, timeout=60
    ).stdout


@cache
def api_server(context: str = CONTEXT) -> ApiServer:
    """Return the API server of a context; its connections are kept for the next who asks."""
    return ApiServer(kubeconfig_of(context))
