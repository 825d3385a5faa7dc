"""Kubernetes: every call has a time-out, bodies are dicts, and errors are three."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec

from soundstrip_crds.conversion import Metadata
from soundstrip_crds.names import API_VERSION, CONVERSION_LABEL, KIND, PLURAL, PROFILE_PLURAL
from soundstrip_operator.connection import Answer, Connection
from soundstrip_operator.pages import Page, Read, as_body, read_page

Body = dict[str, Any]

T = TypeVar("T")

_PAGE = 500
_COMPONENT = "soundstrip-operator"
_SENTENCE = 500
_LONGEST_PAUSE = 60.0
_TRANSIENT = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}


class ClusterError(Exception):
    """The root of the errors of this module; the message is a sentence for a person."""

    pause: float = 0.0
    """Seconds in which the API server asked not to be asked again."""


class ClusterUnavailable(ClusterError):
    """The API server did not answer, or asked to come later; what was sent may have been done."""

    def __init__(self, message: str, pause: float = 0.0) -> None:
        super().__init__(message)
        self.pause = pause


class Conflict(ClusterError):
    """The object has changed, or one of its name is there."""


class NotFound(ClusterError):
    """There is no such object."""


class Expired(ClusterError):
    """The list has to be begun again."""


class Refused(ClusterError):
    """The API server refused, and says why: a quota, a missing right, an invalid body."""


Observe = Callable[[str, str, int | None], None]
"""Takes the method, the path and the status of each request; None if there was no answer."""


def overlook(_method: str, _path: str, _status: int | None) -> None:
    """Take no notice."""


class Cluster:
    """What the operator asks of one namespace."""

    def __init__(self, connection: Connection, namespace: str, observe: Observe = overlook) -> None:
        self._connection = connection
        self._observe = observe
        self._namespace = namespace
        self._conversions = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
        self._profiles = f"/apis/{API_VERSION}/namespaces/{namespace}/{PROFILE_PLURAL}"
        self._jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._events = f"/api/v1/namespaces/{namespace}/events"
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def list_conversions(self, read: Read[T]) -> tuple[list[T], int]:
        """Return all conversions as they are read, and the version that the list is of."""
        return await self._list(self._conversions, read)

    async def list_profiles(self, read: Read[T]) -> tuple[list[T], int]:
        """Return all profiles; none where the cluster does not know the kind yet."""
        try:
            return await self._list(self._profiles, read)
        except NotFound:
            return [], 0

    async def list_jobs(self, read: Read[T]) -> tuple[list[T], int]:
        """Return the Jobs of all conversions."""
        return await self._list(self._jobs, read, labelSelector=CONVERSION_LABEL)

    async def list_pods(self, read: Read[T]) -> tuple[list[T], int]:
        """Return the pods of all conversions."""
        return await self._list(self._pods, read, labelSelector=CONVERSION_LABEL)

    async def has_pods(self, selector: str) -> bool:
        """Say whether there is any pod with these labels."""
        return bool((await self._list(self._pods, as_body, labelSelector=selector))[0])

    async def is_namespace_ending(self) -> bool:
        """Say whether the namespace is being deleted."""
        body = await self._call("GET", f"/api/v1/namespaces/{self._namespace}")
        return "deletionTimestamp" in body["metadata"]

    async def replace_status(self, about: Metadata, status: Body) -> Body:
        """Write the status of a conversion, if it is still of the version that `about` says."""
        return await self._put_status(KIND, self._conversions, about, status)

    async def get_conversion(self, name: str) -> Body:
        """Return a conversion, whole and as it is now."""
        return await self._call("GET", f"{self._conversions}/{name}")

    async def patch_conversion(self, name: str, metadata: Body) -> Body:
        """Merge into a conversion's metadata, which holds the resourceVersion to be matched."""
        return await self._call("PATCH", f"{self._conversions}/{name}", {"metadata": metadata})

    async def delete_conversion(self, body: Body) -> None:
        """Delete a conversion, if it is still as this body says; one that is gone is gone."""
        metadata = body["metadata"]
        same = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
        options = {"propagationPolicy": "Background", "preconditions": same}
        try:
            await self._call("DELETE", f"{self._conversions}/{metadata['name']}", options)
        except NotFound:
            return

    async def create_job(self, body: Body) -> Body:
        """Create a Job."""
        return await self._call("POST", self._jobs, body)

    async def get_job(self, name: str) -> Body | None:
        """Return a Job, or None when there is none."""
        try:
            return await self._call("GET", f"{self._jobs}/{name}")
        except NotFound:
            return None

    async def delete_job(self, name: str, uid: str) -> Body | None:
        """Delete a Job after its pods; None if it is gone already.

        In the background, a running pod would be left to itself. A Conflict may, but need not,
        mean that another Job has the name by now.
        """
        options = {"propagationPolicy": "Foreground", "preconditions": {"uid": uid}}
        try:
            return await self._call("DELETE", f"{self._jobs}/{name}", options)
        except NotFound:
            return None

    async def find_warning(self, job_uid: str) -> str:
        """Return the newest warning about a Job; empty if there is none."""
        selector = f"involvedObject.uid={job_uid},type=Warning"
        events, _ = await self._list(self._events, as_body, fieldSelector=selector)
        newest = max(events, key=_told_at, default={})
        return str(newest.get("message", ""))

    async def create_event(self, name: str, about: Metadata, told: Body, kind: str = KIND) -> None:
        """Tell an Event about an object; once, however often it is told by this name."""
        reference = {"apiVersion": API_VERSION, "kind": kind, "name": about.name, "uid": about.uid}
        await self._tell(name, reference, told)

    async def tell_of_pod(self, name: str, pod: str, uid: str, told: Body) -> None:
        """Tell an Event about a pod, in the same way."""
        await self._tell(name, {"apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid}, told)

    async def _tell(self, name: str, reference: Body, told: Body) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = told | {
            "metadata": {"name": name, "namespace": self._namespace},
            "involvedObject": reference | {"namespace": self._namespace},
            "source": {"component": _COMPONENT},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._call("POST", self._events, body)
        except Conflict:
            return

    async def get_lease(self, name: str) -> Body:
        """Return a Lease."""
        return await self._call("GET", f"{self._leases}/{name}")

    async def create_lease(self, name: str, spec: Body, annotations: Body) -> Body:
        """Create a Lease."""
        metadata = {"name": name, "annotations": annotations}
        return await self._call("POST", self._leases, {"metadata": metadata, "spec": spec})

    async def patch_lease(self, name: str, version: int, spec: Body, annotations: Body) -> Body:
        """Merge into a Lease, if it is still of this resourceVersion."""
        metadata = {"resourceVersion": str(version), "annotations": annotations}
        body = {"metadata": metadata, "spec": spec}
        return await self._call("PATCH", f"{self._leases}/{name}", body)

    async def delete_lease(self, name: str, version: int) -> None:
        """Delete a Lease, if it is still of this resourceVersion."""
        options = {"preconditions": {"resourceVersion": str(version)}}
        await self._call("DELETE", f"{self._leases}/{name}", options)

    async def _put_status(self, kind: str, path: str, about: Metadata, status: Body) -> Body:
        """The API server takes all but the status from the object that it has."""
        same = {
            "name": about.name,
            "namespace": self._namespace,
            "uid": about.uid,
            "resourceVersion": about.resource_version,
        }
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": same, "status": status}
        return await self._call("PUT", f"{path}/{about.name}/status", body)

    async def _list(self, path: str, read: Read[T], **query: str) -> tuple[list[T], int]:
        """Return what can be read of a list, and the version that it is of."""
        for _ in range(3):
            try:
                pages = [page async for page in self._pages(path, read, query)]
            except Expired:
                continue
            return [item for page in pages for item in page.items], pages[0].version
        raise ClusterUnavailable("The list changed faster than it could be read")

    async def _pages(
        self, path: str, read: Read[T], query: dict[str, str]
    ) -> AsyncIterator[Page[T]]:
        token = ""
        while True:
            part = {"limit": str(_PAGE), "continue": token} if token else {"limit": str(_PAGE)}
            page = read_page(await self._send("GET", f"{path}?{urlencode(query | part)}"), read)
            yield page
            token = page.token
            if not token:
                return

    async def _call(self, method: str, path: str, body: Body | None = None) -> Body:
        """Send one request; the answer is the body as it came."""
        return as_body(await self._send(method, path, body))

    async def _send(self, method: str, path: str, body: Body | None = None) -> bytes:
        data = None if body is None else msgspec.json.encode(body)
        try:
            answer = await self._connection.request(method, path, data)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._observe(method, path, None)
            raise ClusterUnavailable(
                f"The API server did not answer ({type(error).__name__})"
            ) from error
        self._observe(method, path, answer.status)
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise _error(answer)
        return answer.text


def _error(answer: Answer) -> ClusterError:
    status, message = answer.status, _message(answer.status, answer.text)
    if status == HTTPStatus.NOT_FOUND:
        return NotFound(message)
    if status == HTTPStatus.CONFLICT:
        return Conflict(message)
    if status == HTTPStatus.GONE:
        return Expired(message)
    if status in _TRANSIENT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ClusterUnavailable(message, min(answer.retry_after, _LONGEST_PAUSE))
    return Refused(message)


def _message(status: int, text: bytes) -> str:
    try:
        message = msgspec.json.decode(text)["message"]
    except (ValueError, KeyError, TypeError):
        message = "it gave no message"
    return f"The API server answered {status}: {str(message)[:_SENTENCE]}"


def _told_at(event: Body) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
