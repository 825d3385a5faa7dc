"""The messages on RabbitMQ: CloudEvents 1.0 in structured JSON, and where they are routed."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from soundstrip_crds.conversion import Owner, Result
from soundstrip_crds.reasons import Reason

EXCHANGE = "soundstrip"
"""A durable topic exchange; routing keys are `conversion.succeeded` and `conversion.failed`."""

DEAD_LETTER_EXCHANGE = "soundstrip.dead"
"""A durable direct exchange, keyed by the queue that gave the message up."""

BINDING_KEY = "conversion.*"
DEFAULT_QUEUE = "mp3"
CONTENT_TYPE = "application/cloudevents+json"

EventType = Literal["dev.soundstrip.conversion.succeeded", "dev.soundstrip.conversion.failed"]


class _Message(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A message between services, as JSON."""


class ConversionFinished(_Message, frozen=True):
    """The data of the event: all that a message to a person says, with no look-up."""

    name: str
    namespace: str
    uid: str
    run: int
    owner: Owner
    filename: str
    """The source's file name."""
    source_file_id: str
    reason: Reason
    message: str
    email: Annotated[str, Meta(max_length=254)] | None = None
    """The address to write to; none if the owner wants no e-mail or left no address."""
    result: Result | None = None


class CloudEvent(msgspec.Struct, frozen=True, rename="lower", omit_defaults=False, kw_only=True):
    """A CloudEvents 1.0 envelope; `id` is the same however often the event is published."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: EventType
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | UnsetType = UNSET
    """CloudEvents' extension for distributed tracing; left out where there is no trace."""
    data: ConversionFinished


def event_id(uid: str, run: int) -> str:
    """Return the id of the event that says how this run of a conversion ended."""
    return f"{uid}.{run}.finished"


def routing_key(event_type: EventType) -> str:
    """Return the routing key: the last two words of the type."""
    return ".".join(event_type.split(".")[-2:])
