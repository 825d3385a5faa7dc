"""What the operator has seen of the cluster: by watches, lists and the answers to its writes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.job import ProgressPost
from soundstrip_operator.admission import is_accepted, is_open
from soundstrip_operator.batch.register import Register
from soundstrip_operator.catalogue import Catalogue
from soundstrip_operator.situation import run_of
from soundstrip_operator.workload import Job, ObjectMetadata, Pod

Body = dict[str, Any]
AttemptKey = tuple[str, int, int]
"""The uid, the run and the try."""


@dataclass(frozen=True)
class Conversion:
    """A VideoConversion as it was at one version.

    Only what is read is kept: there may be 10,000 of them, and most are at rest.
    """

    parsed: VideoConversion

    @classmethod
    def parse(cls, body: Body) -> "Conversion":
        """Parse what the API server sent; `msgspec.ValidationError` says which field is wrong."""
        return cls(VideoConversion.parse(body))

    @property
    def key(self) -> str:
        """The name of the conversion."""
        return self.parsed.metadata.name

    @property
    def version(self) -> int:
        """How new this is, among the states of all objects."""
        return int(self.parsed.metadata.resource_version or 0)


class _HasMetadata(Protocol):
    @property
    def metadata(self) -> ObjectMetadata: ...

    @property
    def conversion(self) -> str: ...


W = TypeVar("W", bound=_HasMetadata)


class Shelf(Generic[W]):
    """Jobs or pods by conversion and name; of two states of one object the newer stays."""

    def __init__(self, changed: set[str]) -> None:
        """Take the set into which the names of conversions go whose objects change."""
        self._by_conversion: dict[str, dict[str, W]] = {}
        self._changed = changed

    def put(self, item: W) -> None:
        """Take a state of an object, unless a newer one is there."""
        items = self._by_conversion.setdefault(item.conversion, {})
        old = items.get(item.metadata.name)
        if old is None or _version(old) <= _version(item):
            items[item.metadata.name] = item
            self._changed.add(item.conversion)

    def remove(self, item: W) -> None:
        """Forget an object that is gone, but not another one of its name."""
        self.discard(item.conversion, item.metadata.name, item.metadata.uid)

    def discard(self, conversion: str, name: str, uid: str | None = None) -> None:
        """Forget an object by its name."""
        items = self._by_conversion.get(conversion, {})
        old = items.get(name)
        if old is not None and uid in {None, old.metadata.uid}:
            del items[name]
            self._changed.add(conversion)
            if not items:
                del self._by_conversion[conversion]

    def of(self, conversion: str) -> tuple[W, ...]:
        """Return the objects of a conversion."""
        return tuple(self._by_conversion.get(conversion, {}).values())

    def __iter__(self) -> Iterator[W]:
        for items in self._by_conversion.values():
            yield from items.values()

    def replace(self, items: Iterable[W], version: int) -> set[str]:
        """Take a list of all objects as of a version, and return the conversions it is news for.

        What is newer than the list stays, be it in the list or not.
        """
        items = list(items)
        listed = {item.metadata.uid for item in items}
        known = {item.metadata.uid: _version(item) for item in self}
        gone = [i for i in self if i.metadata.uid not in listed and _version(i) <= version]
        for item in gone:
            self.remove(item)
        for item in items:
            self.put(item)
        new = [item for item in items if _version(item) > known.get(item.metadata.uid, -1)]
        return {item.conversion for item in (*gone, *new)}


class View:
    """All conversions of the namespace with their batches, Jobs, pods and latest progress."""

    def __init__(self, batches: Register | None = None) -> None:
        self.conversions: dict[str, Conversion] = {}
        self.batches = batches or Register()
        self._changed: set[str] = set()
        self.profiles = Catalogue()
        self.jobs: Shelf[Job] = Shelf(self._changed)
        self.pods: Shelf[Pod] = Shelf(set())
        self.progress: dict[AttemptKey, ProgressPost] = {}
        self.published: dict[str, int] = {}
        """The run of each conversion, by uid, whose end the broker has confirmed."""
        self._open: set[str] = set()
        self._open_by_uid: dict[str, str] = {}

    def put_conversion(self, conversion: Conversion) -> None:
        """Take a state of a conversion, unless a newer one is there."""
        key = conversion.key
        old = self.conversions.get(key)
        if old is not None and old.version > conversion.version:
            return
        if old is not None and old.parsed.metadata.uid != conversion.parsed.metadata.uid:
            self._forget(old)
        self.conversions[key] = conversion
        self._changed.add(key)
        self.batches.follow(old.parsed if old else None, conversion.parsed)
        if is_open(conversion.parsed):
            self._open.add(key)
            self._open_by_uid[conversion.parsed.metadata.uid] = key
        elif key in self._open:
            self._close(conversion)

    def remove_conversion(self, key: str, uid: str | None = None) -> None:
        """Forget a conversion that is gone, but not another one of its name."""
        old = self.conversions.get(key)
        if old is not None and uid in {None, old.parsed.metadata.uid}:
            del self.conversions[key]
            self._forget(old)
            self.batches.follow(old.parsed, None)

    def replace_conversions(self, listed: Iterable[Conversion], version: int) -> set[str]:
        """Take a list of all conversions as of a version, and return those it is news for."""
        by_key = {conversion.key: conversion for conversion in listed}
        known = {key: conversion.version for key, conversion in self.conversions.items()}
        gone = [k for k, c in self.conversions.items() if k not in by_key and c.version <= version]
        for key in gone:
            self.remove_conversion(key)
        for conversion in by_key.values():
            self.put_conversion(conversion)
        new = [key for key, one in by_key.items() if one.version > known.get(key, -1)]
        return {*gone, *new}

    def take_changes(self) -> set[str]:
        """Return the conversions that changed, or whose Jobs did, since this was last asked."""
        taken = set(self._changed)
        self._changed.clear()
        return taken

    def find_key(self, uid: str) -> str | None:
        """Return the name of the open conversion with this uid."""
        return self._open_by_uid.get(uid)

    def open_conversions(self) -> Iterator[VideoConversion]:
        """Return those whose outcome is still to come."""
        return (self.conversions[key].parsed for key in self._open)

    def unaccepted(self) -> set[str]:
        """Return the open conversions that are not accepted yet: a profile may let them go on."""
        return {c.metadata.name for c in self.open_conversions() if not is_accepted(c)}

    def unsettled(self) -> set[str]:
        """Return those that have not come to rest: without an outcome, or not all of it done."""
        working = {job.conversion for job in self.jobs}
        return {key for key in self.conversions if key in working or not self._is_settled(key)}

    def _is_settled(self, key: str) -> bool:
        conversion = self.conversions[key].parsed
        notified = conversion.status.condition("Notified")
        done = notified is not None and notified.status == "True"
        return done and conversion.metadata.deletion_timestamp is None and not is_open(conversion)

    def is_published(self, conversion: Conversion) -> bool:
        """Say whether the broker has confirmed the end of the conversion's latest run."""
        run = self.published.get(conversion.parsed.metadata.uid)
        return run == run_of(conversion.parsed.status)

    def _forget(self, conversion: Conversion) -> None:
        self._changed.add(conversion.key)
        self.published.pop(conversion.parsed.metadata.uid, None)
        self._close(conversion)

    def _close(self, conversion: Conversion) -> None:
        """Only an open conversion takes progress."""
        uid = conversion.parsed.metadata.uid
        self._open.discard(conversion.key)
        self._open_by_uid.pop(uid, None)
        for key in [key for key in self.progress if key[0] == uid]:
            del self.progress[key]


def _version(item: _HasMetadata) -> int:
    return int(item.metadata.resource_version or 0)
