"""ConversionBatch in Python: the same fields and bounds as the CRD's YAML, held to it by a test."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import Output, ProfileName
from soundstrip_crds.conversion import (
    DEFAULT_DEADLINE_SECONDS,
    Condition,
    Filename,
    Metadata,
    Owner,
    Priority,
    QueueName,
    Source,
    Word,
)

MOST_ITEMS = 500
"""The most sources of one batch."""

MOST_FAILURES = 10

LabelValue = Annotated[
    str, Meta(pattern="^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$", max_length=63)
]
LabelKey = Annotated[
    str,
    Meta(
        pattern="^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?"
        "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        max_length=317,
    ),
]


class BatchReason(StrEnum):
    """The reason of the condition Succeeded."""

    CREATING = "Creating"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    STOPPING = "Stopping"

    SUCCEEDED = "Succeeded"

    ITEMS_FAILED = "ItemsFailed"
    ITEMS_CANCELLED = "ItemsCancelled"
    CANCELLED = "Cancelled"
    NOTHING_LEFT = "NothingLeft"
    NOTHING_SELECTED = "NothingSelected"
    TOO_MANY_SELECTED = "TooManySelected"


class _Object(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A part of the object, as the API server holds it."""


class Requirement(_Object, frozen=True):
    """What must hold for one label."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: Annotated[tuple[LabelValue, ...], Meta(max_length=32)] = ()


class Selector(_Object, frozen=True):
    """Which conversions' sources are meant: those of the owner for which all of this holds."""

    match_labels: Annotated[dict[str, LabelValue], Meta(max_length=16)] = {}
    match_expressions: Annotated[tuple[Requirement, ...], Meta(max_length=16)] = ()


class BatchNotify(_Object, frozen=True):
    """Which messages the owner gets at the end of each conversion."""

    email: bool = False


class BatchSpec(_Object, frozen=True):
    """What is wanted: `items` or `selector`, one of the two; what is to be done never changes."""

    owner: Owner
    items: Annotated[tuple[Source, ...], Meta(min_length=1, max_length=MOST_ITEMS)] | None = None
    selector: Selector | None = None
    profiles: Annotated[tuple[ProfileName, ...], Meta(max_length=8)] = ()
    parallelism: Annotated[int, Meta(ge=1, le=10_000)] | None = None
    failure_policy: Literal["Continue", "FailFast"] = "Continue"
    suspend: bool = False
    cancelled: bool = False
    priority: Priority = 0
    queue_name: QueueName | None = None
    notify: BatchNotify = BatchNotify()
    active_deadline_seconds: Annotated[int, Meta(ge=1, le=86400)] = DEFAULT_DEADLINE_SECONDS

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What is made of each source; an output that says nothing is the default profile."""
        return tuple(Output(profile=name) for name in self.profiles) or (Output(),)


BatchConditionType = Literal["Succeeded", "Finished"]


class BatchCondition(Condition, frozen=True):
    """A condition by the Kubernetes API conventions."""

    type: BatchConditionType


Count = Annotated[int, Meta(ge=0)]


class Counts(_Object, frozen=True):
    """How the batch's conversions stand; the numbers add up to the total."""

    waiting: Count = 0
    running: Count = 0
    succeeded: Count = 0
    failed: Count = 0
    cancelled: Count = 0
    missing: Count = 0

    @property
    def unfinished(self) -> int:
        """How many are still to come to an end."""
        return self.waiting + self.running


class ItemFailure(_Object, frozen=True):
    """A conversion that failed, for people."""

    name: Word
    filename: Filename
    reason: Annotated[str, Meta(pattern="^[A-Za-z]+$", max_length=63)]


class BatchStatus(_Object, frozen=True):
    """What is; the operator alone writes it. `total` stands when all conversions were made."""

    observed_generation: Count | None = None
    conditions: Annotated[tuple[BatchCondition, ...], Meta(max_length=8)] = ()
    total: Count | None = None
    counts: Counts | None = None
    failures: Annotated[tuple[ItemFailure, ...], Meta(max_length=MOST_FAILURES)] = ()

    def condition(self, kind: BatchConditionType) -> BatchCondition | None:
        """Return the condition of this type, if it was ever set."""
        return next((c for c in self.conditions if c.type == kind), None)


class ConversionBatch(_Object, frozen=True):
    """Many sources that are converted together; each by a VideoConversion that the batch owns."""

    metadata: Metadata
    spec: BatchSpec
    status: BatchStatus = BatchStatus()

    @classmethod
    def parse(cls, body: dict[str, Any]) -> "ConversionBatch":
        """Parse what the API server sent; `msgspec.ValidationError` says which field is wrong."""
        return msgspec.convert(body, cls)
