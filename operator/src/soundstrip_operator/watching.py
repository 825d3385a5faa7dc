"""Watching by kopf: its handlers put what they see into the view and name the conversion.

Only `on.event`: it writes nothing, needs no finalizer of kopf's, and is not retried; the queue
that is fed here does that.
"""

import asyncio
import random
from collections.abc import Iterator
from typing import Any, Protocol, cast

import kopf

from soundstrip_crds.names import (
    BATCH_PLURAL,
    CONVERSION_LABEL,
    GROUP,
    PLURAL,
    PROFILE_PLURAL,
    VERSION,
)

_PAGE = 100
_IDLE_SECONDS = 0.1
"""Kopf has a task and a queue for each object that was seen in this time."""

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 20.0


class Eyes(Protocol):
    """Who is told what is seen."""

    def see_conversion(self, body: dict[str, Any], *, gone: bool) -> None:
        """Take a VideoConversion."""

    def see_profile(self, body: dict[str, Any], *, gone: bool) -> None:
        """Take a ConversionProfile."""

    def see_batch(self, body: dict[str, Any], *, gone: bool) -> None:
        """Take a ConversionBatch."""

    def see_job(self, body: dict[str, Any], *, gone: bool) -> None:
        """Take a Job."""

    def see_pod(self, body: dict[str, Any], *, gone: bool) -> None:
        """Take a pod."""


class LeaseEyes(Protocol):
    """Who is told what is seen of the Lease of this name."""

    name: str

    def see_lease(self, body: dict[str, Any], *, gone: bool) -> None:
        """Take the Lease."""


async def watch(eyes: Eyes, lease: LeaseEyes, namespace: str, stop: asyncio.Event) -> None:
    """Watch the namespace until `stop` is set."""
    registry = _registry(eyes)
    _register_lease(lease, registry)
    settings = _settings()
    settings.watching.field_selectors["leases"] = f"metadata.name={lease.name}"
    await kopf.operator(
        registry=registry,
        settings=settings,
        standalone=True,
        namespaces=[namespace],
        stop_flag=stop,
    )


def _registry(eyes: Eyes) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_log_in)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def see_conversion(event: kopf.RawEvent, **_: object) -> None:
        eyes.see_conversion(dict(event["object"]), gone=event["type"] == "DELETED")

    @kopf.on.event(GROUP, VERSION, PROFILE_PLURAL, registry=registry)
    async def see_profile(event: kopf.RawEvent, **_: object) -> None:
        eyes.see_profile(dict(event["object"]), gone=event["type"] == "DELETED")

    @kopf.on.event(GROUP, VERSION, BATCH_PLURAL, registry=registry)
    async def see_batch(event: kopf.RawEvent, **_: object) -> None:
        eyes.see_batch(dict(event["object"]), gone=event["type"] == "DELETED")

    labels = {CONVERSION_LABEL: kopf.PRESENT}

    @kopf.on.event("batch", "v1", "jobs", labels=labels, registry=registry)
    async def see_job(event: kopf.RawEvent, **_: object) -> None:
        eyes.see_job(dict(event["object"]), gone=event["type"] == "DELETED")

    @kopf.on.event("", "v1", "pods", labels=labels, registry=registry)
    async def see_pod(event: kopf.RawEvent, **_: object) -> None:
        eyes.see_pod(dict(event["object"]), gone=event["type"] == "DELETED")

    return registry


def _register_lease(lease: LeaseEyes, registry: kopf.OperatorRegistry) -> None:
    @kopf.on.event("coordination.k8s.io", "v1", "leases", registry=registry)
    async def see_lease(event: kopf.RawEvent, **_: object) -> None:
        lease.see_lease(dict(event["object"]), gone=event["type"] == "DELETED")


class _NothingToCompare(kopf.DiffBaseStorage):
    """Spares kopf a deep copy of each object that it sees: only handlers of changes compare."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Return what there is to compare."""
        return cast("kopf.BodyEssence", {})

    def fetch(self, **_: object) -> None:
        """Return what was compared last."""

    def store(self, **_: object) -> None:
        """Remember it."""


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=f"kopf.{GROUP}")
    settings.persistence.diffbase_storage = _NothingToCompare()
    settings.watching.label_selectors["jobs"] = CONVERSION_LABEL
    settings.watching.label_selectors["pods"] = CONVERSION_LABEL
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.enforce_retry_after = True
    settings.networking.error_backoffs = _Backoffs()
    settings.process.ultimate_exiting_timeout = 10
    settings.watching.chunk_size = _PAGE
    settings.queueing.idle_timeout = _IDLE_SECONDS
    settings.queueing.exit_timeout = 0.5
    return settings


class _Backoffs:
    """The seconds between kopf's attempts, without end: out of them, it would end the operator."""

    def __iter__(self) -> Iterator[float]:
        full = _FIRST_BACKOFF
        while True:
            yield full * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret
            full = min(_LONGEST_BACKOFF, full * 2)


async def _log_in(settings: kopf.OperatorSettings, **_: object) -> kopf.ConnectionInfo | None:
    in_cluster = kopf.login_with_service_account(settings=settings)
    return in_cluster or kopf.login_with_kubeconfig(settings=settings)
