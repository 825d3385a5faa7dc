"""What is counted in the view at the moment when somebody asks: nothing that could drift."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.reasons import BLOCKED, Reason
from soundstrip_operator.admission import occupies_place
from soundstrip_operator.view import View

_QUEUED = ("queued", Reason.QUEUED.value)
_UNKNOWN = "Other"
"""A reason that this version does not know."""

_REASONS = frozenset(reason.value for reason in Reason)

_AT_REST = {Reason.QUEUED.value: "queued", Reason.SUSPENDED.value: "suspended"} | {
    reason.value: "blocked" for reason in BLOCKED
}

_ALWAYS = (
    _QUEUED,
    *(("active", r.value) for r in (Reason.PENDING, Reason.CONVERTING, Reason.STORING)),
    ("succeeded", Reason.SUCCEEDED.value),
)
"""Told also when there is none, so that a graph has no holes."""


class Census(Collector):
    """Counts conversions and Jobs for each scrape."""

    def __init__(
        self,
        view: View,
        *,
        clock: Callable[[], datetime],
        lease_echo_age: Callable[[], float | None],
    ) -> None:
        """Take `lease_echo_age` for the seconds since our own renewal of the Lease was seen.

        None is for an operator that holds no Lease; the metric is left out then.
        """
        self._view = view
        self._clock = clock
        self._lease_echo_age = lease_echo_age

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the families as of now."""
        yield self._conversions()
        now = self._clock()
        active = sum(occupies_place(job, now) for job in self._view.jobs)
        yield GaugeMetricFamily(
            "soundstrip_active_jobs", "Jobs that occupy one of MAX_ACTIVE_JOBS places.", active
        )
        age = self._lease_echo_age()
        if age is not None:
            yield GaugeMetricFamily(
                "soundstrip_lease_echo_age_seconds", "Time since our own renewal was seen.", age
            )

    def _conversions(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "soundstrip_conversions", "Conversions that there are.", labels=["state", "reason"]
        )
        parsed = (conversion.parsed for conversion in self._view.conversions.values())
        for labels, number in count_conversions(parsed).items():
            family.add_metric(labels, number)
        return family


def count_conversions(conversions: Iterable[VideoConversion]) -> dict[tuple[str, str], int]:
    """Count by state and reason.

    The states are queued, suspended, blocked (a person has to do something), active, succeeded and
    failed, and deleting for what is on its way out.
    """
    counts = Counter(map(_classify, conversions))
    return dict.fromkeys(_ALWAYS, 0) | counts


def _classify(conversion: VideoConversion) -> tuple[str, str]:
    state, reason = _QUEUED
    for condition in conversion.status.conditions:
        if condition.type == "Succeeded":
            reason = condition.reason if condition.reason in _REASONS else _UNKNOWN
            if condition.status == "Unknown":
                state = _AT_REST.get(reason, "active")
            else:
                state = "succeeded" if condition.status == "True" else "failed"
    if conversion.metadata.deletion_timestamp is not None:
        state = "deleting"
    return state, reason
