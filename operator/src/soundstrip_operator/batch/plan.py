"""Which conversions a batch is to have, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from soundstrip_crds.audio import Output
from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.conversion import Notify, Source, Spec
from soundstrip_crds.names import (
    API_VERSION,
    BATCH_KIND,
    BATCH_LABEL,
    FINALIZER,
    KIND,
    OWNER_LABEL,
    child_name,
)

Body = dict[str, Any]

Place = tuple[int, str, int]
"""Compares as the order of the batch: by item, by upload, by profile."""


@dataclass(frozen=True)
class Item:
    """A conversion that a batch is to have."""

    name: str
    source: Source
    output: Output


class Order:
    """The order of a batch: its items as they are given, a selection by the time of upload."""

    def __init__(self, batch: ConversionBatch) -> None:
        items = batch.spec.items or ()
        self._items = {source.file_id: place for place, source in enumerate(items)}
        self._profiles = {name: place for place, name in enumerate(batch.spec.profiles)}

    def place(self, source: Source, output: Output) -> Place:
        """Return the place of a source's conversion; a file's id begins with its time."""
        by_profile = self._profiles.get(output.profile or "", 0)
        return self._items.get(source.file_id, 0), source.file_id, by_profile


def plan_items(batch: ConversionBatch, sources: Iterable[Source]) -> tuple[Item, ...]:
    """Return the conversions of these sources, each to each output, in the batch's order."""
    outputs = [(output, output.canonical) for output in batch.spec.outputs]
    uid, order = batch.metadata.uid, Order(batch)
    items = {
        name: Item(name, source, output)
        for source in sources
        for output, text in outputs
        if (name := child_name(source.file_id, uid, text))
    }
    return tuple(sorted(items.values(), key=lambda item: order.place(item.source, item.output)))


def build_child(batch: ConversionBatch, item: Item, *, suspend: bool) -> Body:
    """Return the conversion of an item as the API server takes it: adopted from the beginning."""
    wanted = batch.spec
    spec = Spec(
        source=item.source,
        owner=wanted.owner,
        output=item.output,
        notify=Notify(email=wanted.notify.email),
        suspend=suspend,
        priority=wanted.priority,
        queue_name=wanted.queue_name,
        active_deadline_seconds=wanted.active_deadline_seconds,
    )
    metadata = {
        "name": item.name,
        "labels": {OWNER_LABEL: wanted.owner.id, BATCH_LABEL: batch.metadata.name},
        "finalizers": [FINALIZER],
        "ownerReferences": [_reference(batch)],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": msgspec.to_builtins(spec),
    }


def _reference(batch: ConversionBatch) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": BATCH_KIND,
        "name": batch.metadata.name,
        "uid": batch.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
