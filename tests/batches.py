"""Batches as the API server would show them, and a model of it, for tests without one."""

import copy
from typing import Any, TypeVar

import msgspec
from tests.cluster_model import Clock, ClusterModel, Fuse
from tests.conversions import Body, before, condition, conversion_body

from soundstrip_crds.batch import BatchStatus, ConversionBatch
from soundstrip_crds.conversion import Metadata, VideoConversion
from soundstrip_crds.names import API_VERSION, BATCH_KIND, BATCH_LABEL, OWNER_LABEL
from soundstrip_operator.batch.announcements import Announcement
from soundstrip_operator.batch.plan import Item, build_child, plan_items
from soundstrip_operator.cluster import Conflict, NotFound
from soundstrip_operator.pages import Read

T = TypeVar("T")


def source(number: int) -> Body:
    """Return the source of this number."""
    body: Body = conversion_body(f"{number:024x}")["spec"]["source"]
    return body | {"filename": f"clip-{number}.mp4"}


def batch_body(items: int = 3, **parts: Any) -> Body:
    """Return a batch of so many sources; `parts` replace metadata, spec and status."""
    metadata = {
        "name": "holiday",
        "namespace": "soundstrip",
        "uid": "batch-1",
        "generation": 1,
        "resourceVersion": "1",
        "creationTimestamp": before(60),
        "labels": {OWNER_LABEL: "u1"},
    }
    spec = {"owner": {"id": "u1", "name": "Ann"}, "items": [source(n) for n in range(items)]}
    return {
        "apiVersion": API_VERSION,
        "kind": BATCH_KIND,
        "metadata": metadata | parts.get("metadata", {}),
        "spec": {k: v for k, v in (spec | parts.get("spec", {})).items() if v is not None},
        "status": parts.get("status", {}),
    }


def batch(items: int = 3, **parts: Any) -> ConversionBatch:
    """Return the same, parsed."""
    return ConversionBatch.parse(batch_body(items, **parts))


def items_of(about: ConversionBatch) -> tuple[Item, ...]:
    """Return the conversions that a batch of items is to have."""
    return plan_items(about, about.spec.items or ())


STATUSES: dict[str, Body] = {
    "new": {},
    "waiting": {"conditions": [condition("Succeeded", "Unknown", "Queued")]},
    "blocked": {
        "conditions": [
            condition("Accepted", "False", "InvalidProfile"),
            condition("Succeeded", "Unknown", "InvalidProfile"),
        ]
    },
    "running": {
        "conditions": [condition("Succeeded", "Unknown", "Converting")],
        "runs": [{"number": 1, "tries": [{"number": 1, "job": "job", "startedAt": before(9)}]}],
    },
    "succeeded": {"conditions": [condition("Succeeded", "True", "Succeeded")]},
    "failed": {"conditions": [condition("Succeeded", "False", "NoAudioTrack")]},
    "cancelled": {"conditions": [condition("Succeeded", "False", "Cancelled")]},
}
"""The status of a conversion by how it stands."""


def child_body(about: ConversionBatch, item: Item, how: str = "new", **spec: Any) -> Body:
    """Return a conversion of the batch as it stands."""
    body = build_child(about, item, suspend=False) | {"status": STATUSES[how]}
    body["metadata"] |= {"uid": f"uid-{item.name}", "resourceVersion": "1"}
    body["spec"] |= spec
    return body


def child(about: ConversionBatch, item: Item, how: str = "new", **spec: Any) -> VideoConversion:
    """Return the same, parsed."""
    return VideoConversion.parse(child_body(about, item, how, **spec))


class BatchModel(ClusterModel):
    """Holds batches too, and answers what is asked for their sake."""

    def __init__(self, clock: Clock, fuse: Fuse) -> None:
        super().__init__(clock, fuse)
        self.batches: dict[str, Body] = {}
        self.created: list[str] = []
        self.told: list[str] = []

    def add_batch(self, body: Body) -> None:
        """Create a batch."""
        self._touch(body)
        self.batches[body["metadata"]["name"]] = body

    def change_batch(self, name: str, **spec: Any) -> None:
        """Change fields of the spec."""
        body = self.batches[name]
        body["spec"] |= spec
        body["metadata"]["generation"] += 1
        self._touch(body)

    def set_status(self, name: str, status: Body) -> None:
        """Have a conversion stand otherwise."""
        self.conversions[name]["status"] = copy.deepcopy(status)
        self._touch(self.conversions[name])

    def lose(self, name: str) -> None:
        """Remove a conversion at once."""
        del self.conversions[name]
        self.version += 1

    # What the operator calls.

    async def select_conversions(self, query: str, read: Read[T]) -> list[T]:
        self._fuse.burn()
        assert query.rsplit(",", maxsplit=1)[-1] == f"!{BATCH_LABEL}"
        bodies = [
            body
            for body in self.conversions.values()
            if BATCH_LABEL not in body["metadata"]["labels"]
        ]
        return [one for body in bodies if (one := read(msgspec.Raw(msgspec.json.encode(body))))]

    async def create_conversion(self, body: Body) -> Body:
        self._fuse.burn()
        name = body["metadata"]["name"]
        if name in self.conversions:
            raise Conflict(name)
        self.created.append(name)
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": f"uid-{len(self.created)}", "generation": 1}
        self._touch(made)
        self.conversions[name] = made
        self._fuse.burn()
        return copy.deepcopy(made)

    async def change_conversion(self, name: str, spec: Body) -> Body:
        self._fuse.burn()
        if name not in self.conversions:
            raise NotFound(name)
        self.change(name, **spec)
        self._fuse.burn()
        return copy.deepcopy(self.conversions[name])

    async def label_batch(self, about: Metadata, labels: dict[str, str]) -> Body:
        body = self._meet(about)
        body["metadata"].setdefault("labels", {}).update(labels)
        return self._keep(body)

    async def replace_batch_status(self, about: Metadata, status: BatchStatus) -> Body:
        body = self._meet(about)
        body["status"] = msgspec.json.decode(msgspec.json.encode(status))
        return self._keep(body)

    async def tell_of_batch(self, about: Metadata, told: Announcement) -> None:
        self._fuse.burn()
        self.told.append(told.name)

    def _meet(self, about: Metadata) -> Body:
        self._fuse.burn()
        body = self.batches.get(about.name)
        if body is None:
            raise NotFound(about.name)
        if body["metadata"]["resourceVersion"] != about.resource_version:
            raise Conflict(about.name)
        return body

    def _keep(self, body: Body) -> Body:
        self._touch(body)
        self._fuse.burn()
        return copy.deepcopy(body)
