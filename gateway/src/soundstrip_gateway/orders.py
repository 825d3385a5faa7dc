"""The conversions that an upload is for: made of its file, and kept beside it until they stand."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from soundstrip_crds.conversion import Metadata, Owner, Source, Spec, VideoConversion
from soundstrip_crds.names import (
    FINALIZER,
    OWNER_LABEL,
    TRACEPARENT_ANNOTATION,
    conversion_name,
)
from soundstrip_gateway.survey import Survey
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import Wish
from soundstrip_service.tracing import TraceContext
from soundstrip_storage.layout import StoredFile


def source_metadata(caller: Caller, media_type: str) -> dict[str, Any]:
    """Return what a source's document says beside what each file's does."""
    return {"contact": caller.email, "contentType": media_type, "refs": []}


def make_order(
    file: StoredFile, found: Survey, caller: Caller, wish: Wish, context: TraceContext | None
) -> VideoConversion:
    """Return the conversion that is to be created of a file."""
    return VideoConversion(
        metadata=Metadata(
            name=conversion_name(file.id),
            labels={OWNER_LABEL: caller.id},
            annotations={TRACEPARENT_ANNOTATION: str(context)} if context else {},
            finalizers=(FINALIZER,),
        ),
        spec=Spec(
            source=Source(
                file_id=file.id,
                filename=file.filename,
                size=file.length,
                content_type=file.content_type,
                sha256=file.sha256,
                audio_bytes=found.audio_bytes,
                duration_seconds=found.seconds,
            ),
            owner=Owner(id=caller.id, name=caller.name),
            output=wish.output,
            notify=wish.notify,
        ),
    )


def encode_orders(conversions: Iterable[VideoConversion]) -> str:
    """Return the conversions as text that an intent can keep."""
    return msgspec.json.encode([each.to_dict() for each in conversions]).decode()


def decode_orders(text: str) -> tuple[VideoConversion, ...]:
    """Return the conversions that an intent has kept.

    Raises:
        msgspec.ValidationError: If a newer hand has written them.
    """
    bodies: list[Mapping[str, Any]] = msgspec.json.decode(text)
    return tuple(msgspec.convert(body, VideoConversion) for body in bodies)
