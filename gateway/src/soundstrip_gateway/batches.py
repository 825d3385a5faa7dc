"""Batches as their owners see them: made, found, listed, and read as JSON."""

from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from soundstrip_crds.audio import ProfileName
from soundstrip_crds.batch import (
    MOST_ITEMS,
    BatchNotify,
    BatchReason,
    BatchSpec,
    ConversionBatch,
    Counts,
    ItemFailure,
)
from soundstrip_crds.conversion import Moment, Owner, Priority, Source
from soundstrip_crds.names import API_VERSION, BATCH_KIND, OWNER_LABEL
from soundstrip_gateway.cluster import Cluster, of_owner
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.further import SourceRef
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.idempotency import digest
from soundstrip_gateway.library import Library
from soundstrip_gateway.orders import source_of
from soundstrip_gateway.paging import choose
from soundstrip_gateway.refusals import not_found
from soundstrip_gateway.searches import BatchId
from soundstrip_gateway.survey import Survey
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.views import State
from soundstrip_gateway.wishes import WishRefused
from soundstrip_storage.history import Order, Place

Parallelism = Annotated[int, Meta(ge=1, le=10_000)]


class BatchNotifyWish(BatchNotify, frozen=True, forbid_unknown_fields=True):
    """Which messages tell the end of each conversion."""


class BatchOrder(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """Uploads that are to be converted together, each to each profile."""

    sources: Annotated[list[SourceRef], Meta(min_length=1, max_length=MOST_ITEMS)]
    profiles: Annotated[list[ProfileName], Meta(max_length=8)] = []
    parallelism: Parallelism | None = None
    failure_policy: Literal["Continue", "FailFast"] = "Continue"
    suspend: bool = False
    priority: Priority = 0
    notify: BatchNotifyWish = BatchNotifyWish()


class BatchPatch(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is to be otherwise (RFC 7396): what is left out stays, null means the default."""

    suspend: bool | UnsetType | None = UNSET
    cancelled: bool | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    parallelism: Parallelism | UnsetType | None = UNSET


class BatchLinks(msgspec.Struct, frozen=True):
    """Where it is, and its conversions."""

    itself: str = msgspec.field(name="self")
    conversions: str


class BatchView(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A batch; what is not known yet is left out. `total` stands when all are made."""

    id: BatchId
    state: State
    reason: str
    message: str
    sources: Annotated[int, Meta(description="uploads")]
    profiles: list[ProfileName]
    parallelism: int | None = None
    failure_policy: str
    suspend: bool
    cancelled: bool
    priority: int
    total: int | None = None
    counts: Counts | None = None
    failures: list[ItemFailure]
    created_at: Moment | None = None
    finished_at: Moment | None = None
    links: BatchLinks


class Batches:
    """The ConversionBatches of a namespace; every method raises ClusterUnavailable."""

    def __init__(
        self, cluster: Cluster, conversions: Conversions, library: Library, gate: Gate
    ) -> None:
        self._cluster = cluster
        self._gate = gate
        self._conversions = conversions
        self._library = library

    def make(self, caller: Caller, order: BatchOrder, key: str) -> ConversionBatch:
        """Create a batch; the same key, if it is not empty, names the same one again.

        Raises:
            Problem: 404 or 410 if there is no such source, and what the gate refuses with.
            WishRefused: If two sources are the same.
        """
        spec = BatchSpec(
            owner=Owner(id=caller.id, name=caller.name),
            items=self._find_sources(caller, order.sources),
            profiles=tuple(order.profiles),
            parallelism=order.parallelism,
            failure_policy=order.failure_policy,
            suspend=order.suspend,
            priority=order.priority,
            notify=BatchNotify(email=order.notify.email),
        )
        name = f"batch-{digest(caller.id, key)[:24] if key else token_hex(12)}"
        body = {
            "apiVersion": API_VERSION,
            "kind": BATCH_KIND,
            "metadata": {"name": name, "labels": {OWNER_LABEL: caller.id}},
            "spec": msgspec.to_builtins(spec),
        }
        seconds = [item.duration_seconds or 0.0 for item in spec.items or ()]
        count = len(seconds) * max(1, len(spec.profiles))
        places = [f"{name}/{number}" for number in range(count)]
        with self._gate.hold_further(caller, places, sum(seconds) / max(1, len(seconds))):
            return self._cluster.batches.create(name, body)

    def find(self, caller: Caller, name: str) -> ConversionBatch:
        """Return the caller's batch.

        Raises:
            Problem: 404 if there is none, it is another's, or the name can't be one.
        """
        try:
            found = self._cluster.batches.find(msgspec.convert(name, BatchId))
        except msgspec.ValidationError as error:
            raise not_found("batch") from error
        if found is None or found.spec.owner.id != caller.id:
            raise not_found("batch")
        return found

    def page(
        self, caller: Caller, order: Order, after: Place | None, limit: int
    ) -> tuple[list[ConversionBatch], Place | None]:
        """Return a page of the caller's batches, and the last one's place if there are more."""
        labelled = self._cluster.batches.scan(of_owner(caller.id))
        own = (batch for batch in labelled if batch.spec.owner.id == caller.id)
        return choose(own, _place_of, order, after, limit)

    def _find_sources(self, caller: Caller, refs: list[SourceRef]) -> tuple[Source, ...]:
        """Of what a conversion knows, its index is read already; that of others is not read."""
        by_name = {c.metadata.name: c.spec.source for c in self._cluster.scan(caller.id)}
        known = {source.file_id: source for source in by_name.values()}
        ids = [self._file_id(caller, ref, by_name) for ref in refs]
        if len(set(ids)) < len(ids):
            raise WishRefused("Two of the sources are the same file.")
        files = self._library.find_sources(ids, caller.id)
        for place, file_id in enumerate(ids):
            if file_id not in files:
                raise not_found("upload", source=place)
        return tuple(known.get(i) or source_of(files[i], Survey()) for i in ids)

    def _file_id(self, caller: Caller, ref: SourceRef, by_name: dict[str, Source]) -> str:
        if (ref.conversion is None) == (ref.file_id is None):
            raise WishRefused("Name each source by conversion or by fileId, one of the two.")
        if ref.conversion is None:
            return ref.file_id or ""
        if ref.conversion in by_name:
            return by_name[ref.conversion].file_id
        return self._conversions.find(caller, ref.conversion).conversion.spec.source.file_id


def describe_batch(batch: ConversionBatch, url: str, conversions_url: str) -> BatchView:
    """Return the JSON of a batch."""
    spec, status = batch.spec, batch.status
    succeeded, finished = status.condition("Succeeded"), status.condition("Finished")
    ended = finished is not None and finished.status == "True"
    return BatchView(
        id=batch.metadata.name,
        state=_state_of(batch),
        reason=succeeded.reason if succeeded else BatchReason.CREATING,
        message=succeeded.message if succeeded else "Waiting for the operator to take it up.",
        sources=len(spec.items or ()),
        profiles=list(spec.profiles),
        parallelism=spec.parallelism,
        failure_policy=spec.failure_policy,
        suspend=spec.suspend,
        cancelled=spec.cancelled,
        priority=spec.priority,
        total=status.total,
        counts=status.counts,
        failures=list(status.failures),
        created_at=batch.metadata.creation_timestamp,
        finished_at=finished.last_transition_time if finished and ended else None,
        links=BatchLinks(url, conversions_url),
    )


def plan_batch_change(patch: BatchPatch) -> dict[str, Any]:
    """Return the members of the spec that change, by their names in the object."""
    defaults = {"suspend": False, "cancelled": False, "priority": 0}
    given: dict[str, Any] = msgspec.to_builtins(patch)
    return {name: defaults.get(name) if value is None else value for name, value in given.items()}


def _state_of(batch: ConversionBatch) -> State:
    succeeded = batch.status.condition("Succeeded")
    if succeeded is None:
        return "queued"
    if succeeded.status == "Unknown":
        return "running"
    if succeeded.status == "True":
        return "succeeded"
    return "cancelled" if succeeded.reason == BatchReason.CANCELLED else "failed"


def _place_of(batch: ConversionBatch) -> Place:
    return Place(batch.metadata.creation_timestamp, batch.metadata.name)
