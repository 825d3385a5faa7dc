"""The way to the API server: one HTTP session, and credentials that are renewed.

The client's own request path is left out: for each request it asks the environment for a proxy, in
a thread, and copies headers and body; that costs more than the request itself.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What the API server answered."""

    status: int
    text: bytes
    retry_after: float = 0.0
    """Seconds after which it asked to be asked again; 0 if it did not."""


class Connection:
    """One session; what it sends and receives is JSON."""

    def __init__(self, configuration: Configuration, session: aiohttp.ClientSession) -> None:
        self._configuration = configuration
        self._session = session

    async def request(self, method: str, path: str, body: bytes | None) -> Answer:
        """Send one request.

        Raises:
            TimeoutError: If there was none within 10 s.
            aiohttp.ClientError: If there was none.
            OSError: If there was none.
        """
        kind = _MERGE_PATCH if method == "PATCH" else _JSON
        headers = {"Accept": _JSON, "Content-Type": kind}
        token = await self._configuration.get_api_key_with_prefix("BearerToken", "authorization")
        if token:
            headers["Authorization"] = token
        async with self._session.request(
            method,
            f"{self._configuration.host}{path}",
            headers=headers,
            data=body,
            server_hostname=self._configuration.tls_server_name,
        ) as answer:
            asked = answer.headers.get("Retry-After", "")
            seconds = float(asked) if asked.isdecimal() else 0.0
            return Answer(answer.status, await answer.read(), seconds)


@asynccontextmanager
async def connect_to_kubernetes() -> AsyncIterator[Connection]:
    """Lend a connection by the pod's service account, or outside of a pod by KUBECONFIG.

    Raises:
        kubernetes.aio.config.ConfigException: If there is neither.
    """
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    tls = RESTClientObject(configuration).ssl_context
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        yield Connection(configuration, session)
