"""What is to be made of sources, and how it is kept until it stands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec

from soundstrip_crds.audio import Output
from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.conversion import Metadata, Notify, Owner, Source, Spec, VideoConversion
from soundstrip_crds.names import (
    API_VERSION,
    BATCH_KIND,
    FINALIZER,
    OWNER_LABEL,
    TRACEPARENT_ANNOTATION,
    conversion_name,
    output_name,
)
from soundstrip_gateway.survey import Survey
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import Wish
from soundstrip_service.tracing import TraceContext
from soundstrip_storage.layout import StoredFile

Order = VideoConversion | ConversionBatch


@dataclass(frozen=True)
class Handling:
    """How a conversion is to be carried out; `ttl` is in seconds."""

    priority: int = 0
    suspend: bool = False
    ttl: int | None = None
    context: TraceContext | None = None


def source_metadata(caller: Caller, media_type: str) -> dict[str, Any]:
    """Return what a source's document says beside what each file's does."""
    return {"contact": caller.email, "contentType": media_type, "refs": []}


def source_of(file: StoredFile, found: Survey) -> Source:
    """Return what the object says of a stored file."""
    return Source(
        file_id=file.id,
        filename=file.filename,
        size=file.length,
        content_type=file.content_type,
        sha256=file.sha256,
        audio_bytes=found.audio_bytes,
        duration_seconds=found.seconds,
    )


def order_uploaded(
    source: Source, caller: Caller, wish: Wish, context: TraceContext | None
) -> tuple[VideoConversion, ...]:
    """Return the conversions of a new upload: the first has the file's own name."""
    names = [conversion_name(source.file_id)]
    names += [output_name(source.file_id, output.canonical) for output in wish.outputs[1:]]
    return tuple(
        VideoConversion(
            metadata=_metadata(name, caller, context),
            spec=Spec(source=source, owner=_owner(caller), output=output, notify=wish.notify),
        )
        for name, output in zip(names, wish.outputs, strict=True)
    )


def order_further(
    source: Source, caller: Caller, output: Output, notify: Notify, handling: Handling
) -> VideoConversion:
    """Return the conversion of a source that is there to a further output."""
    return VideoConversion(
        metadata=_metadata(output_name(source.file_id, output.canonical), caller, handling.context),
        spec=Spec(
            source=source,
            owner=_owner(caller),
            output=output,
            notify=notify,
            priority=handling.priority,
            suspend=handling.suspend,
            ttl_seconds_after_finished=handling.ttl,
        ),
    )


def _metadata(name: str, caller: Caller, context: TraceContext | None) -> Metadata:
    return Metadata(
        name=name,
        labels={OWNER_LABEL: caller.id},
        annotations={TRACEPARENT_ANNOTATION: str(context)} if context else {},
        finalizers=(FINALIZER,),
    )


def _owner(caller: Caller) -> Owner:
    return Owner(id=caller.id, name=caller.name)


def body_of(order: Order) -> dict[str, Any]:
    """Return the body that the API server takes."""
    match order:
        case VideoConversion():
            return order.to_dict()
        case ConversionBatch():
            body: dict[str, Any] = msgspec.to_builtins(order)
            return {"apiVersion": API_VERSION, "kind": BATCH_KIND} | body
        case _:
            assert_never(order)


def encode_orders(orders: Iterable[Order]) -> str:
    """Return the orders as text that an intent can keep."""
    return msgspec.json.encode([body_of(order) for order in orders]).decode()


def decode_orders(text: str) -> tuple[Order, ...]:
    """Return the orders that an intent has kept.

    Raises:
        msgspec.ValidationError: If a newer hand has written them.
    """
    bodies: list[Mapping[str, Any]] = msgspec.json.decode(text)
    return tuple(_parse(body) for body in bodies)


def _parse(body: Mapping[str, Any]) -> Order:
    if body.get("kind") == BATCH_KIND:
        return msgspec.convert(body, ConversionBatch)
    return msgspec.convert(body, VideoConversion)
