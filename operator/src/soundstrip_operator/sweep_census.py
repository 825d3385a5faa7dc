"""What the sweep knows, told at each scrape."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from soundstrip_operator.sweeper import Sweeper

_TOLD = ("total", "unneeded", "due", "orphans")


class SweepCensus(Collector):
    """Tells of the latest sweep; nothing before the first, but how often one was stopped."""

    def __init__(self, sweeper: Sweeper) -> None:
        self._sweeper = sweeper

    def collect(self) -> Iterator[Metric]:
        """Return the families as of now."""
        yield CounterMetricFamily(
            "soundstrip_sweep_stops", "Sweeps that removed nothing: too much.", self._sweeper.stops
        )
        tally = self._sweeper.tally
        if tally is None:
            return
        family = GaugeMetricFamily(
            "soundstrip_stored_files", "Files by the latest sweep.", labels=["kind"]
        )
        for kind in _TOLD:
            family.add_metric([kind], getattr(tally, kind))
        yield family
