"""What is counted and timed while the operator works, in a registry of its own.

Names and units are those of Prometheus, and controller-runtime's where it has the thing. Label
values are few and known: no conversion and no owner is one.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from soundstrip_crds.conversion import Condition, Status, VideoConversion
from soundstrip_crds.events import CloudEvent
from soundstrip_crds.reasons import BLOCKED, WAITING, Reason
from soundstrip_operator.herald import Publish
from soundstrip_operator.situation import run_of, tries_of
from soundstrip_operator.workqueue import Meter, Retry, Work

_MOMENTS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_WHILES = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
"""Kubernetes tells times in whole seconds, so nothing shorter can be told apart."""

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NO_ANSWER = "none"


class Metrics:
    """The instruments, and who is to be told what for them."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._queues = _QueueInstruments.register(registry)
        self._reconciles = Histogram(
            "soundstrip_reconcile_duration_seconds",
            "Time of one reconciliation of one conversion.",
            registry=registry,
            buckets=_MOMENTS,
        )
        self._errors = Counter(
            "soundstrip_reconcile_errors",
            "Reconciliations that failed: by the world, or by a bug.",
            ["cause"],
            registry=registry,
        )
        self._waits = Histogram(
            "soundstrip_queue_wait_seconds",
            "Time from a conversion's creation to its first Job.",
            registry=registry,
            buckets=_WHILES,
        )
        self._durations = Histogram(
            "soundstrip_conversion_duration_seconds",
            "Time from a conversion's creation to its outcome.",
            registry=registry,
            buckets=_WHILES,
        )
        self._finished = Counter(
            "soundstrip_conversions_finished",
            "Conversions that came to an outcome.",
            ["reason"],
            registry=registry,
        )
        self._publish_failures = Counter(
            "soundstrip_publish_failures",
            "Events that RabbitMQ did not confirm; each is published again.",
            registry=registry,
        )
        self._requests = Counter(
            "soundstrip_api_requests",
            "Requests to the API server, watches aside; code none: there was no answer.",
            ["verb", "resource", "code"],
            registry=registry,
        )
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """A rate needs a first value before the first increase."""
        for cause in ("world", "bug"):
            self._errors.labels(cause)
        for reason in set(Reason) - WAITING - BLOCKED:
            self._finished.labels(reason)

    def queue(self, name: str) -> Meter:
        """Return the meter of the queue of this name."""
        return _QueueMeter(name, self._queues)

    def time_reconciling(self, work: Work) -> Work:
        """Return the same work, timed and its failures counted."""

        async def timed(key: str) -> None:
            with self._reconciles.time():
                try:
                    await work(key)
                except Retry:
                    self._errors.labels("world").inc()
                    raise
                except Exception:
                    self._errors.labels("bug").inc()
                    raise

        return timed

    def count_failures(self, publish: Publish) -> Publish:
        """Return the same, its failures counted."""

        async def counted(event: CloudEvent) -> None:
            with self._publish_failures.count_exceptions():
                await publish(event)

        return counted

    def see_request(self, method: str, path: str, status: int | None) -> None:
        """Take a request to the API server; without a status there was no answer."""
        verb, resource = describe_request(method, path)
        self._requests.labels(verb, resource, str(status or _NO_ANSWER)).inc()

    def see_step(self, conversion: VideoConversion, after: Status) -> None:
        """Take a step of a conversion to its next status, once it is written.

        Only a first run is timed: a person decides when another begins.
        """
        before, created = conversion.status, conversion.metadata.creation_timestamp
        first = tries_of(after)[:1]
        created = created if run_of(after) == 1 else None
        if first and not tries_of(before) and created:
            self._waits.observe(_seconds(created, first[0].started_at))
        end = _outcome(after)
        if end is None or _outcome(before) is not None:
            return
        self._finished.labels(end.reason).inc()
        if created:
            self._durations.observe(_seconds(created, end.last_transition_time))


def describe_request(method: str, path: str) -> tuple[str, str]:
    """Return Kubernetes' verb and the resource of a request within a namespace."""
    match path.partition("?")[0].rpartition("/namespaces/")[2].split("/"):
        case [_]:
            return _VERBS.get(method, "get"), "namespaces"
        case [_, resource]:
            return _VERBS.get(method, "list"), resource
        case [_, resource, _]:
            return _VERBS.get(method, "get"), resource
        case [_, resource, _, part]:
            return _VERBS.get(method, "get"), f"{resource}/{part}"
        case _:
            return _VERBS.get(method, "get"), "other"


@dataclass(frozen=True)
class _QueueInstruments:
    depth: Gauge
    adds: Counter
    retries: Counter
    waits: Histogram
    works: Histogram

    @classmethod
    def register(cls, registry: CollectorRegistry) -> "_QueueInstruments":
        label = ["name"]
        return cls(
            Gauge("workqueue_depth", "Keys that wait.", label, registry=registry),
            Counter("workqueue_adds", "Keys that were put in line.", label, registry=registry),
            Counter("workqueue_retries", "Backoffs after a failure.", label, registry=registry),
            Histogram(
                "workqueue_queue_duration_seconds",
                "Time that a key waits in line.",
                label,
                registry=registry,
                buckets=_MOMENTS,
            ),
            Histogram(
                "workqueue_work_duration_seconds",
                "Time that work on a key takes.",
                label,
                registry=registry,
                buckets=_MOMENTS,
            ),
        )


class _QueueMeter(Meter):
    def __init__(self, name: str, instruments: _QueueInstruments) -> None:
        self._depth = instruments.depth.labels(name)
        self._adds = instruments.adds.labels(name)
        self._retries = instruments.retries.labels(name)
        self._waits = instruments.waits.labels(name)
        self._works = instruments.works.labels(name)
        self._since: dict[str, float] = {}

    def see_added(self, key: str) -> None:
        self._adds.inc()
        self._depth.inc()
        self._since[key] = time.monotonic()

    def see_taken(self, key: str) -> None:
        now = time.monotonic()
        self._depth.dec()
        self._waits.observe(now - self._since[key])
        self._since[key] = now

    def see_done(self, key: str) -> None:
        self._works.observe(time.monotonic() - self._since.pop(key))

    def see_retried(self, key: str) -> None:
        self._retries.inc()


def _outcome(status: Status) -> Condition | None:
    succeeded = status.condition("Succeeded")
    return succeeded if succeeded and succeeded.status != "Unknown" else None


def _seconds(start: datetime, end: datetime) -> float:
    return max((end - start) / timedelta(seconds=1), 0.0)
