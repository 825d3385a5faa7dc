"""What is counted while events are told, in a registry of its own.

Names are those of Prometheus. Label values are few and known: no conversion and no user is one.
"""

from collections.abc import Iterable
from typing import assert_never, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    PlatformCollector,
    ProcessCollector,
)

from soundstrip_gateway.live.backlog import Event, Ready, Reset, Told
from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.hub import Hub
from soundstrip_gateway.live.meter import Beginning, Meter, WatchEnd
from soundstrip_gateway.live.tickets import Verdict

_KINDS = ("conversion", "deleted", "ready", "reset")
_REFUSALS = (Verdict.BLIND, Verdict.CROWDED, Verdict.FULL)


class Metrics(Meter):
    """The instruments."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._streams = Gauge(
            "soundstrip_live_streams", "Streams that are open.", registry=registry
        )
        self._conversions = Gauge(
            "soundstrip_live_conversions",
            "Conversions that are known, those that went lately among them.",
            registry=registry,
        )
        self._stale = Gauge(
            "soundstrip_live_stale",
            "1 while the API server does not answer, so that events come late.",
            registry=registry,
        )
        self._opened = self._count(
            "soundstrip_live_streams_opened",
            "Streams that began; resumed ones by a Last-Event-ID.",
            "beginning",
            get_args(Beginning),
        )
        self._refused = self._count(
            "soundstrip_live_streams_refused", "Streams that found no place.", "reason", _REFUSALS
        )
        self._stalled = Counter(
            "soundstrip_live_streams_stalled",
            "Streams whose client took nothing for too long.",
            registry=registry,
        )
        self._events = self._count(
            "soundstrip_live_events_sent", "Events that were told.", "event", _KINDS
        )
        self._watch_ends = self._count(
            "soundstrip_live_watch_restarts",
            "Ends of the watch at the API server, each of which another follows.",
            "cause",
            get_args(WatchEnd),
        )

    def observe(self, board: Board, hub: Hub) -> None:
        """Tell of these how they are when somebody asks."""
        self._streams.set_function(lambda: len(hub))
        self._conversions.set_function(lambda: len(board))
        self._stale.set_function(lambda: float(hub.is_stale or not board.is_loaded))

    def see_opened(self, beginning: Beginning) -> None:
        """Count a stream that begins."""
        self._opened.labels(beginning).inc()

    def see_refused(self, verdict: Verdict) -> None:
        """Count a ticket for which there was no place."""
        self._refused.labels(verdict).inc()

    def see_stalled(self) -> None:
        """Count a stream whose client took nothing for too long."""
        self._stalled.inc()

    def see_sent(self, events: Iterable[Event]) -> None:
        """Count events that were written."""
        for event in events:
            self._events.labels(_kind_of(event)).inc()

    def see_watch_end(self, cause: WatchEnd) -> None:
        """Count the end of a watch at the API server."""
        self._watch_ends.labels(cause).inc()

    def _count(self, name: str, text: str, label: str, values: Iterable[str]) -> Counter:
        """A rate needs a first value before the first increase, so each label has one."""
        counter = Counter(name, text, [label], registry=self.registry)
        for value in values:
            counter.labels(value)
        return counter


def _kind_of(event: Event) -> str:
    match event:
        case Told(_, sight):
            return "deleted" if sight.is_gone else "conversion"
        case Ready():
            return "ready"
        case Reset():
            return "reset"
        case _:
            assert_never(event)
