"""What batches are made of: decisions over what their owners ask for."""

from collections.abc import Iterator, Mapping
from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from soundstrip_crds.audio import ProfileName
from soundstrip_crds.batch import MOST_ITEMS, BatchNotify, BatchSpec, ConversionBatch
from soundstrip_crds.conversion import Metadata, Owner, Priority, Source
from soundstrip_crds.names import OWNER_LABEL, child_name
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.further import SourceRef
from soundstrip_gateway.idempotency import digest
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import WishRefused, YesNo
from soundstrip_service.operations import File

Parallelism = Annotated[int, Meta(ge=1, le=10_000)]
FailurePolicy = Literal["Continue", "FailFast"]
ProfileNames = Annotated[
    str, Meta(description="one, or several with ,", pattern="^[a-z0-9., -]*$", max_length=1000)
]


class BatchNotifyWish(BatchNotify, frozen=True, forbid_unknown_fields=True):
    """Which messages tell the end of each conversion."""


class BatchTerms(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """How uploads are to be converted together: each to each profile."""

    profiles: Annotated[list[ProfileName], Meta(max_length=8)] = []
    parallelism: Parallelism | None = None
    failure_policy: FailurePolicy = "Continue"
    suspend: bool = False
    priority: Priority = 0
    notify: BatchNotifyWish = BatchNotifyWish()


class BatchOrder(BatchTerms):
    """Uploads that are there, and are to be converted together."""

    sources: Annotated[list[SourceRef], Meta(min_length=1, max_length=MOST_ITEMS)]


class BatchPatch(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is to be otherwise (RFC 7396): what is left out stays, null means the default."""

    suspend: bool | UnsetType | None = UNSET
    cancelled: bool | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    parallelism: Parallelism | UnsetType | None = UNSET


class BatchForm(msgspec.Struct, rename="camel", kw_only=True):
    """Several files, each in a field `file`, and what is to become of them."""

    file: Annotated[list[File], Meta(min_length=1, max_length=MOST_ITEMS)]
    profiles: ProfileNames | None = None
    parallelism: Parallelism | None = None
    failure_policy: FailurePolicy | None = None
    suspend: YesNo | None = None
    priority: Priority | None = None
    notify: YesNo | None = None


def parse_terms(fields: Mapping[str, str]) -> BatchTerms:
    """Read the fields of a form; what is not said is as in JSON.

    Raises:
        WishRefused: If a field is unknown, or its value is none of the possible ones.
    """
    words: dict[str, Any] = dict(fields)
    if "profiles" in words:
        words["profiles"] = [name.strip() for name in words["profiles"].split(",") if name.strip()]
    if "notify" in words:
        words["notify"] = {"email": words["notify"]}
    try:
        return msgspec.convert(words, BatchTerms, strict=False)
    except msgspec.ValidationError as error:
        raise WishRefused(f"A field is not as it should be: {error}.") from error


def build_batch(
    caller: Caller, terms: BatchTerms, sources: tuple[Source, ...], key: str
) -> ConversionBatch:
    """Return a batch of these sources; the same key, if it is not empty, gives the same name."""
    name = f"batch-{digest(caller.id, key)[:24] if key else token_hex(12)}"
    spec = BatchSpec(
        owner=Owner(id=caller.id, name=caller.name),
        items=sources,
        profiles=tuple(terms.profiles),
        parallelism=terms.parallelism,
        failure_policy=terms.failure_policy,
        suspend=terms.suspend,
        priority=terms.priority,
        notify=BatchNotify(email=terms.notify.email),
    )
    return ConversionBatch(metadata=Metadata(name=name, labels={OWNER_LABEL: caller.id}), spec=spec)


def charges_of(batch: ConversionBatch) -> list[Charge]:
    """Return what the conversions of a batch are charged; their names follow from its uid."""
    pairs = [(source, output) for source in batch.spec.items or () for output in batch.spec.outputs]
    return [
        Charge(f"{batch.metadata.name}/{number}", None, source.duration_seconds)
        for number, (source, _) in enumerate(pairs)
    ]


def name_children(batch: ConversionBatch) -> Iterator[str]:
    """Yield the names of the conversions that the operator makes of it, in the charges' order."""
    outputs = [output.canonical for output in batch.spec.outputs]
    for source in batch.spec.items or ():
        for output in outputs:
            yield child_name(source.file_id, batch.metadata.uid, output)


def plan_batch_change(patch: BatchPatch) -> dict[str, Any]:
    """Return the members of the spec that change, by their names in the object."""
    defaults = {"suspend": False, "cancelled": False, "priority": 0}
    given: dict[str, Any] = msgspec.to_builtins(patch)
    return {name: defaults.get(name) if value is None else value for name, value in given.items()}
