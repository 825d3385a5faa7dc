"""The objects of one kind in one namespace, at the API server."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog
from kubernetes.client import CustomObjectsApi

from soundstrip_crds.conversion import Metadata
from soundstrip_crds.names import GROUP, VERSION
from soundstrip_gateway.apiserver import (
    ClusterUnavailable,
    ObjectChanged,
    ObjectGone,
    call,
)

_CHECK_TIMEOUT_SECONDS = (1.0, 2.0)
_PAGE = 250
"""Objects in one answer of the API server: a few hundred kilobytes."""

_MERGE_PATCH = "application/merge-patch+json"

log = structlog.get_logger("soundstrip.gateway")


class Kept(Protocol):
    """What every object has."""

    @property
    def metadata(self) -> Metadata:
        """Its name, and the API server's own words about it."""
        ...

    @property
    def spec(self) -> object:
        """What is wanted."""
        ...


T = TypeVar("T", bound=Kept)


class _ListMeta(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct):
    items: list[msgspec.Raw]
    metadata: _ListMeta


class _Left(msgspec.Struct):
    """What a deletion answers: the object, if something still holds it, or a status."""

    metadata: Metadata


class Objects(Generic[T]):
    """All objects of a kind; every call is bounded in time and raises ClusterUnavailable."""

    def __init__(self, api: CustomObjectsApi, namespace: str, plural: str, kind: type[T]) -> None:
        self._api = api
        self._kind = kind
        self._where = {
            "group": GROUP,
            "version": VERSION,
            "namespace": namespace,
            "plural": plural,
        }

    def create(self, name: str, body: dict[str, Any]) -> T:
        """Create an object and return it as the API server made it.

        An answer that got lost is looked for once, for its object may stand all the same.

        Raises:
            ObjectChanged: If there is another object of this name.
            ObjectRefused: If the object breaks a rule.
        """
        try:
            return self._read(self._api.create_namespaced_custom_object, body=body)
        except (ClusterUnavailable, ObjectChanged) as error:
            found = self.find(name)
            if found is None or not self._is_meant(found, body):
                raise
            log.warning("the answer about a creation was lost", error=str(error))
            return found

    def ensure(self, name: str, body: dict[str, Any]) -> None:
        """Create the object unless one of its name stands already, whatever became of it.

        Raises:
            ClusterError: If there is none and none was created, as far as is known.
        """
        try:
            self.create(name, body)
        except (ClusterUnavailable, ObjectChanged):
            if self.find(name) is None:
                raise

    def find(self, name: str, *, leaving: bool = False) -> T | None:
        """Return the object with this name; one that is being deleted only if `leaving`."""
        try:
            found = self._read(self._api.get_namespaced_custom_object, name=name)
        except ObjectGone:
            return None
        return found if leaving or found.metadata.deletion_timestamp is None else None

    def patch(self, name: str, changes: dict[str, Any], version: str) -> T | None:
        """Merge changes into the object of this resourceVersion; None if it is gone.

        Raises:
            ObjectChanged: If it has another version by now.
            ObjectRefused: If a rule forbids the change.
        """
        body = {**changes, "metadata": {"resourceVersion": version}}
        try:
            return self._read(
                self._api.patch_namespaced_custom_object,
                name=name,
                body=body,
                _content_type=_MERGE_PATCH,
            )
        except ObjectGone:
            return None

    def delete(self, metadata: Metadata) -> tuple[str, ...]:
        """Delete this very object and return the finalizers that hold it still; gone is gone.

        Raises:
            ObjectChanged: If there is another object of its name by now.
        """
        options = {"preconditions": {"uid": metadata.uid}} if metadata.uid else {}
        delete = self._api.delete_namespaced_custom_object
        try:
            answer = call(delete, **self._where, name=metadata.name, body=options)
        except ObjectGone:
            return ()
        try:
            return msgspec.json.decode(answer, type=_Left).metadata.finalizers
        except msgspec.DecodeError:
            return ()

    def scan(self, selector: str = "", *, leaving: bool = False) -> Iterator[T]:
        """Yield all objects with these labels, one answer at a time."""
        token = ""
        while True:
            page = self._list(limit=_PAGE, label_selector=selector, _continue=token)
            for raw in page.items:
                found = self._parse_leniently(raw)
                if found and (leaving or found.metadata.deletion_timestamp is None):
                    yield found
            token = page.metadata.continue_
            if not token:
                return

    def check(self) -> None:
        """Return if the API server lets such objects be read."""
        self._list(limit=1, _request_timeout=_CHECK_TIMEOUT_SECONDS)

    def _is_meant(self, found: T, body: dict[str, Any]) -> bool:
        return found.spec == msgspec.convert(body, self._kind).spec

    def _list(self, **options: Any) -> _List:  # noqa: ANN401 - the client's own
        answer = call(self._api.list_namespaced_custom_object, **self._where, **options)
        return msgspec.json.decode(answer, type=_List)

    def _read(self, method: Callable[..., Any], **arguments: Any) -> T:  # noqa: ANN401 - the client's own
        return msgspec.json.decode(call(method, **self._where, **arguments), type=self._kind)

    def _parse_leniently(self, raw: msgspec.Raw) -> T | None:
        """Return the object, or None for one that a newer or foreign hand has made unreadable."""
        try:
            return msgspec.json.decode(raw, type=self._kind)
        except msgspec.ValidationError as error:
            log.warning("an object can't be read", kind=self._kind.__name__, error=str(error))
            return None
