"""VideoConversions at the API server, for one who watches them all: a list, then what changes."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

import aiohttp
import msgspec
import structlog
from kubernetes.aio import config
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import GROUP, PLURAL, VERSION
from soundstrip_gateway.addresses import Addresses
from soundstrip_gateway.live.sights import Sight, parse_version, see

_PAGE = 250
"""Objects in one answer: a few hundred kilobytes."""

_LIST_TIMEOUT = aiohttp.ClientTimeout(total=20)
_WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=90)
"""A bookmark comes each minute: a watch that is silent for longer is half-open."""

_WATCH_SECONDS = (240, 300)
_LINE = 2**21
"""Bytes: an object has 1.5 MiB at most."""

log = structlog.get_logger("soundstrip.live")


class ApiUnavailable(Exception):
    """The API server did not answer, or refused: the world's fault, worth another try."""


class TooOld(Exception):
    """The API server does not remember what has changed since; only a list tells."""


@dataclass(frozen=True)
class Happening:
    """Something that the watch tells: `sight` is what there is now, `gone` what is no more.

    One with neither only says that all is told up to the version.
    """

    version: int
    sight: Sight | None = None
    gone: str | None = None


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    items: list[msgspec.Raw]
    metadata: _ListMeta


class _Event(msgspec.Struct):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: msgspec.Raw


class _Meta(msgspec.Struct, rename="camel"):
    name: str = ""
    resource_version: str = ""


class _Bare(msgspec.Struct):
    metadata: _Meta


class _Failure(msgspec.Struct):
    code: int = 0
    reason: str = ""


class Conversions:
    """The VideoConversions of one namespace."""

    def __init__(
        self,
        configuration: Configuration,
        session: aiohttp.ClientSession,
        namespace: str,
        addresses: Addresses,
    ) -> None:
        self._addresses = addresses
        self._configuration = configuration
        self._session = session
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{PLURAL}"

    async def list(self) -> tuple[list[Sight], int]:
        """Return all that there are, and the version at which they are so.

        Raises:
            ApiUnavailable: If the API server does not answer.
            TooOld: If it took too long from page to page.
        """
        sights: list[Sight] = []
        options = {"limit": str(_PAGE)}
        while True:
            async with self._ask(options, _LIST_TIMEOUT) as answer:
                page = _decode(await answer.read(), _List)
            seen = (_see_leniently(raw, self._addresses) for raw in page.items)
            sights += [sight for sight in seen if sight is not None]
            if not page.metadata.continue_:
                return sights, _version(page.metadata.resource_version)
            options = {"limit": str(_PAGE), "continue": page.metadata.continue_}

    async def watch(self, version: int) -> AsyncIterator[Happening]:
        """Yield what happens after this version, until the API server has had enough.

        The first one comes as soon as the watch stands, and says nothing new.

        Raises:
            ApiUnavailable: If the API server does not answer, or not any more.
            TooOld: If it does not remember this version.
        """
        options = {
            "watch": "1",
            "resourceVersion": str(version),
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(random.randint(*_WATCH_SECONDS)),  # noqa: S311 - jitter
        }
        async with self._ask(options, _WATCH_TIMEOUT) as answer:
            yield Happening(version)
            while line := await answer.content.readline():
                yield _read(line, self._addresses)

    @asynccontextmanager
    async def _ask(
        self, options: dict[str, str], limits: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, and translate whatever goes wrong while the answer is read, too."""
        try:
            async with self._session.get(
                f"{self._configuration.host}{self._path}",
                params=options,
                headers=await self._headers(),
                timeout=limits,
                server_hostname=self._configuration.tls_server_name,
            ) as answer:
                _judge(answer.status, answer.reason or "")
                yield answer
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            sentence = f"The API server did not answer ({type(error).__name__})."
            raise ApiUnavailable(sentence) from error
        except ValueError as error:  # aiohttp's, for a line without an end
            raise ApiUnavailable("The API server sent what can't be read.") from error

    async def _headers(self) -> dict[str, str]:
        token = await self._configuration.get_api_key_with_prefix("BearerToken", "authorization")
        return {"Accept": "application/json"} | ({"Authorization": token} if token else {})


def _judge(status: int, reason: str) -> None:
    if status == HTTPStatus.GONE:
        raise TooOld
    if status != HTTPStatus.OK:
        raise ApiUnavailable(f"The API server refused with {status}: {reason}")


def _read(line: bytes, addresses: Addresses) -> Happening:
    event = _decode(line, _Event)
    if event.type == "ERROR":
        failure = _decode(event.object, _Failure)
        _judge(failure.code, failure.reason)
        raise ApiUnavailable("The API server ended the watch with an error.")
    bare = _decode(event.object, _Bare).metadata
    version = _version(bare.resource_version)
    if event.type == "DELETED":
        return Happening(version, gone=bare.name)
    if event.type == "BOOKMARK":
        return Happening(version)
    return Happening(version, sight=_see_leniently(event.object, addresses))


def _decode(text: bytes | msgspec.Raw, kind: type[Any]) -> Any:  # noqa: ANN401 - of that type
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ApiUnavailable("The API server sent what can't be read.") from error


def _version(text: str) -> int:
    try:
        return parse_version(text)
    except ValueError as error:
        raise ApiUnavailable("The API server sent no resourceVersion.") from error


def _see_leniently(raw: msgspec.Raw, addresses: Addresses) -> Sight | None:
    """Return the sight, or None of one that a newer or foreign hand has made unreadable."""
    try:
        return see(msgspec.json.decode(raw, type=VideoConversion), addresses)
    except (msgspec.ValidationError, ValueError) as error:
        log.warning("a VideoConversion can't be read", error=str(error))
        return None


@asynccontextmanager
async def connect_to_conversions(
    namespace: str, addresses: Addresses
) -> AsyncIterator[Conversions]:
    """Lend the conversions of a namespace, by the pod's service account or KUBECONFIG.

    Raises:
        kubernetes.aio.config.ConfigException: If there is neither.
    """
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    connector = aiohttp.TCPConnector(ssl=RESTClientObject(configuration).ssl_context)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=_LINE) as session:
        yield Conversions(configuration, session, namespace, addresses)
