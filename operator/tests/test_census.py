"""Claims about what is counted in the view."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tests.conversions import NOW, Body, before, condition, conversion, conversion_body, job
from tests.conversions import job_ended as ended

from soundstrip_crds.reasons import BLOCKED, PERMANENT, TRANSIENT, WAITING, Reason
from soundstrip_operator.census import Census, count_conversions
from soundstrip_operator.view import Conversion, View


def registry_of(view: View, lease_echo_age: float | None = None) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Census(view, clock=lambda: NOW, lease_echo_age=lambda: lease_echo_age))
    return registry


def told(status: str, reason: str) -> Body:
    return {"conditions": [condition("Succeeded", status, reason)]}


@pytest.mark.parametrize(
    ("parts", "labels"),
    [
        ({}, ("queued", "Queued")),
        ({"status": told("Unknown", "Queued")}, ("queued", "Queued")),
        ({"status": told("Unknown", "Storing")}, ("active", "Storing")),
        ({"status": told("Unknown", "Suspended")}, ("suspended", "Suspended")),
        ({"status": told("Unknown", "InvalidProfile")}, ("blocked", "InvalidProfile")),
        ({"status": told("True", "Succeeded")}, ("succeeded", "Succeeded")),
        ({"status": told("False", "NoAudioTrack")}, ("failed", "NoAudioTrack")),
        ({"metadata": {"deletionTimestamp": before(1)}}, ("deleting", "Queued")),
        ({"status": told("False", "MadeUpByAPerson")}, ("failed", "Other")),
    ],
)
def test_a_conversion_is_counted_by_where_it_is(parts: dict[str, Any], labels: tuple[str, str]):
    counts = count_conversions([conversion(**parts)])
    assert [key for key, count in counts.items() if count] == [labels]


def test_there_are_few_series_however_many_conversions():
    statuses = [told("Unknown", reason) for reason in WAITING | BLOCKED]
    statuses += [told("False", reason) for reason in PERMANENT | TRANSIENT]
    statuses += [told("True", Reason.SUCCEEDED)]
    going = {"deletionTimestamp": before(1)}
    all_kinds = [
        conversion(status=status, metadata=metadata)
        for status in statuses
        for metadata in (going, {})
    ]
    assert len(count_conversions(all_kinds * 10)) == 2 * len(Reason)


def test_the_view_is_counted_anew_for_each_scrape():
    view = View()
    registry = registry_of(view)
    queued = {"state": "queued", "reason": "Queued"}
    assert registry.get_sample_value("soundstrip_conversions", queued) == 0
    view.put_conversion(Conversion.parse(conversion_body()))
    view.jobs.put(job())
    view.jobs.put(job(number=2, status=ended("Failed")))
    assert registry.get_sample_value("soundstrip_conversions", queued) == 1
    assert registry.get_sample_value("soundstrip_active_jobs") == 1


@pytest.mark.parametrize("age", [None, 1.5])
def test_the_age_of_the_leases_echo_is_told_if_there_is_a_lease(age: float | None):
    registry = registry_of(View(), age)
    assert registry.get_sample_value("soundstrip_lease_echo_age_seconds") == age
