"""Batches as their owners see them: made, found, listed, and read as JSON."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from soundstrip_crds.audio import ProfileName
from soundstrip_crds.batch import (
    BatchReason,
    ConversionBatch,
    Counts,
    ItemFailure,
)
from soundstrip_crds.conversion import Moment, Source
from soundstrip_gateway.batch_orders import (
    BatchOrder,
    build_batch,
    charges_of,
    name_children,
)
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.cluster import Cluster, of_owner
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.further import SourceRef
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.library import Library
from soundstrip_gateway.orders import body_of, source_of
from soundstrip_gateway.paging import choose
from soundstrip_gateway.refusals import not_found
from soundstrip_gateway.searches import BatchId
from soundstrip_gateway.survey import Survey
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.views import State
from soundstrip_gateway.wishes import WishRefused
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_storage.history import Order, Place

log = structlog.get_logger("soundstrip.gateway")


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
        batch = build_batch(caller, order, self._find_sources(caller, order.sources), key)
        charges = charges_of(batch)
        with self._gate.hold_further(caller, charges):
            made = self.create(batch)
        self.name_charges(made, charges)
        return made

    def create(self, batch: ConversionBatch) -> ConversionBatch:
        """Create the object, and return it as the API server made it. Raises ClusterError."""
        return self._cluster.batches.create(batch.metadata.name, body_of(batch))

    def name_charges(self, made: ConversionBatch, charges: Sequence[Charge]) -> None:
        """Say for which conversions the charges are: a batch that stands knows their names."""
        names = zip((charge.key for charge in charges), name_children(made), strict=True)
        try:
            self._gate.name_charges(list(names))
        except StorageUnavailable as error:
            log.warning("minutes of a batch that are not known yet stay so", error=str(error))

    def look(self, owner: str, name: str) -> ConversionBatch | None:
        """Return the owner's batch of this name, if there is one."""
        found = self._cluster.batches.find(name)
        return found if found is not None and found.spec.owner.id == owner else None

    def find(self, caller: Caller, name: str) -> ConversionBatch:
        """Return the caller's batch.

        Raises:
            Problem: 404 if there is none, it is another's, or the name can't be one.
        """
        try:
            found = self.look(caller.id, msgspec.convert(name, BatchId))
        except msgspec.ValidationError as error:
            raise not_found("batch") from error
        if found is None:
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
