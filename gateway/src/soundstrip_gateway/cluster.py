"""VideoConversions at the API server."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
import structlog
from kubernetes import config
from kubernetes.client import ApiClient, Configuration, CustomObjectsApi
from kubernetes.client.exceptions import ApiException
from urllib3 import Retry
from urllib3.exceptions import HTTPError

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import GROUP, OWNER_LABEL, PLURAL, VERSION
from soundstrip_gateway.namespaces import SERVICE_ACCOUNT

_TIMEOUT_SECONDS = (2.0, 5.0)
_CHECK_TIMEOUT_SECONDS = (1.0, 2.0)
_CONNECTIONS = 32
"""Kept for the next request; as many more as there are threads are opened and closed again."""

_PAGE = 250
"""Objects in one answer of the API server: a few hundred kilobytes."""

_MERGE_PATCH = "application/merge-patch+json"

log = structlog.get_logger("soundstrip.gateway")

T = TypeVar("T")


class ClusterUnavailable(Exception):
    """The API server did not answer, or refused: the world's fault, worth another try."""


class _ListMeta(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    items: list[msgspec.Raw]
    metadata: _ListMeta


class Cluster:
    """The VideoConversions of one namespace; every call is bounded in time."""

    def __init__(self, api: CustomObjectsApi, namespace: str) -> None:
        self._api = api
        self._where = {
            "group": GROUP,
            "version": VERSION,
            "namespace": namespace,
            "plural": PLURAL,
        }

    def create(self, conversion: VideoConversion) -> VideoConversion:
        """Create the object and return it as the API server made it.

        An answer that got lost is looked for once, for its object may stand all the same.

        Raises:
            ClusterUnavailable: If it was not created, as far as is known.
        """
        try:
            return self._read(self._api.create_namespaced_custom_object, body=conversion.to_dict())
        except ClusterUnavailable as error:
            found = self.find(conversion.metadata.name)
            if found is None or found.spec != conversion.spec:
                raise
            log.warning("the answer about a creation was lost", error=str(error))
            return found

    def find(self, name: str) -> VideoConversion | None:
        """Return the conversion with this name, unless there is none or it is being deleted.

        Raises:
            ClusterUnavailable: If the API server does not answer.
        """
        try:
            found = self._read(self._api.get_namespaced_custom_object, name=name)
        except _Gone:
            return None
        return found if found.metadata.deletion_timestamp is None else None

    def delete(self, conversion: VideoConversion) -> None:
        """Delete this very object; the operator's finalizer does the cleaning. Gone is gone.

        Raises:
            ClusterUnavailable: If the API server does not answer.
        """
        metadata = conversion.metadata
        options = {"preconditions": {"uid": metadata.uid}} if metadata.uid else {}
        try:
            _call(
                self._api.delete_namespaced_custom_object,
                **self._where,
                name=metadata.name,
                body=options,
            )
        except _Gone:
            return

    def cancel(self, conversion: VideoConversion) -> VideoConversion | None:
        """Ask the operator to end it; None if it is gone.

        Raises:
            ClusterUnavailable: If the API server does not answer.
        """
        try:
            return self._read(
                self._api.patch_namespaced_custom_object,
                name=conversion.metadata.name,
                body={"metadata": {"uid": conversion.metadata.uid}, "spec": {"cancelled": True}},
                _content_type=_MERGE_PATCH,
            )
        except _Gone:
            return None

    def scan(self, owner: str | None) -> Iterator[VideoConversion]:
        """Yield all conversions of an owner that are not being deleted, one answer at a time.

        Without an owner, everybody's.

        Raises:
            ClusterUnavailable: If the API server does not answer.
        """
        selector, token = f"{OWNER_LABEL}={owner}" if owner is not None else "", ""
        while True:
            page = self._list(limit=_PAGE, label_selector=selector, _continue=token)
            yield from (c for raw in page.items for c in _parse_leniently(raw))
            token = page.metadata.continue_
            if not token:
                return

    def check(self) -> None:
        """Return if the API server lets VideoConversions be read.

        Raises:
            ClusterUnavailable: If it does not.
        """
        self._list(limit=1, _request_timeout=_CHECK_TIMEOUT_SECONDS)

    def _list(self, **options: Any) -> _List:  # noqa: ANN401 - the client's own
        answer = _call(self._api.list_namespaced_custom_object, **self._where, **options)
        return msgspec.json.decode(answer, type=_List)

    def _read(self, method: Callable[..., Any], **arguments: Any) -> VideoConversion:  # noqa: ANN401 - the client's own
        answer = _call(method, **self._where, **arguments)
        return msgspec.json.decode(answer, type=VideoConversion)


class _Gone(ClusterUnavailable):
    """The API server has no such object."""


def _call(method: Callable[..., Any], **arguments: Any) -> bytes:  # noqa: ANN401 - the client's own
    """Call the API server and return the JSON that it sent, unparsed.

    Raises:
        ClusterUnavailable: For whatever the client raised; no address, no credential in it.
    """
    options = {"_request_timeout": _TIMEOUT_SECONDS, "_preload_content": False} | arguments
    try:
        answer = method(**options)
        content: bytes = answer.data
    except ApiException as error:
        raise _translate(error.status, error.reason) from error
    except (HTTPError, OSError) as error:
        raise ClusterUnavailable(
            f"The API server did not answer ({type(error).__name__})."
        ) from error
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise _translate(answer.status, content.decode(errors="replace")[:500])
    return content


def _translate(status: int | None, reason: object) -> ClusterUnavailable:
    kind = _Gone if status == HTTPStatus.NOT_FOUND else ClusterUnavailable
    return kind(f"The API server refused with {status}: {reason}")


def _parse_leniently(raw: msgspec.Raw) -> Iterator[VideoConversion]:
    """Yield the object, or nothing for one that a newer or foreign hand has made unreadable."""
    try:
        conversion = msgspec.json.decode(raw, type=VideoConversion)
    except msgspec.ValidationError as error:
        log.warning("a VideoConversion can't be read", error=str(error))
        return
    if conversion.metadata.deletion_timestamp is None:
        yield conversion


def connect_cluster(namespace: str) -> Cluster:
    """Return the conversions of a namespace, at the pod's own API server or that of KUBECONFIG.

    Raises:
        kubernetes.config.ConfigException: If there is neither.
    """
    configuration = Configuration()
    if (SERVICE_ACCOUNT / "token").exists():
        config.load_incluster_config(client_configuration=configuration)
    else:
        config.load_kube_config(client_configuration=configuration)
    configuration.retries = Retry(
        total=1, status=0, redirect=0, backoff_factor=0.1, backoff_jitter=0.1
    )
    configuration.connection_pool_maxsize = _CONNECTIONS
    return Cluster(CustomObjectsApi(ApiClient(configuration)), namespace)
