"""Claims about the view: it follows the cluster, whatever order the news comes in."""

import msgspec
from tests.conversions import Body, accepted_status, condition, conversion_body, job_body

from soundstrip_crds.job import ProgressPost
from soundstrip_crds.reasons import Reason
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workload import Job


def body_of(number: int = 1, version: int = 1, **parts: Body) -> Body:
    metadata = {"resourceVersion": str(version)} | parts.pop("metadata", {})
    return conversion_body(f"{number:024x}", f"uid-{number}", metadata=metadata, **parts)


def conversion(number: int = 1, version: int = 1, **parts: Body) -> Conversion:
    return Conversion.parse(body_of(number, version, **parts))


def job(number: int = 1, version: int = 1, attempt: int = 1) -> Job:
    body = job_body(body_of(number), attempt, metadata={"resourceVersion": str(version)})
    return msgspec.convert(body, Job)


def test_old_news_does_not_replace_new():
    view = View()
    view.put_conversion(conversion(version=7))
    view.put_conversion(conversion(version=5))
    assert view.conversions[conversion().key].version == 7
    view.jobs.put(job(version=7))
    view.jobs.put(job(version=5))
    assert next(iter(view.jobs)).metadata.resource_version == "7"


def test_a_list_takes_away_what_is_gone_and_leaves_what_is_newer_than_it():
    view = View()
    view.put_conversion(conversion(1, version=3))
    view.put_conversion(conversion(2, version=30))
    touched = view.replace_conversions([], version=10)
    assert touched == {conversion(1).key}
    assert list(view.conversions) == [conversion(2).key]
    view.jobs.put(job(1, version=3))
    view.jobs.put(job(2, version=30))
    view.jobs.replace([], 10)
    assert [one.conversion for one in view.jobs] == [conversion(2).key]


def test_the_end_of_an_object_is_not_taken_for_the_end_of_its_namesake():
    view = View()
    view.put_conversion(conversion(version=7))
    view.remove_conversion(conversion().key, "another uid")
    assert conversion().key in view.conversions


def test_an_object_made_anew_inherits_nothing():
    view = View()
    view.put_conversion(conversion(version=1))
    view.published["uid-1"] = 1
    again = conversion(version=9, metadata={"uid": "uid-9", "resourceVersion": "9"})
    view.put_conversion(again)
    assert not view.published


def test_progress_is_taken_for_an_open_conversion_and_goes_with_its_end():
    view = View()
    view.put_conversion(conversion(version=1))
    assert view.find_key("uid-1") == conversion().key
    view.progress["uid-1", 1, 1] = ProgressPost(reason=Reason.CONVERTING)
    ends = [condition("Succeeded", "False", "Cancelled")]
    view.put_conversion(conversion(version=2, status={"conditions": ends}))
    assert view.find_key("uid-1") is None
    assert not view.progress


def test_only_who_is_not_accepted_yet_is_looked_at_when_a_profile_changes():
    view = View()
    waiting = {"conditions": [condition("Succeeded", "Unknown", "InvalidProfile")]}
    ended = {"conditions": [condition("Succeeded", "False", "SourceMissing")]}
    for number, status in enumerate([{}, waiting, accepted_status(), ended], start=1):
        view.put_conversion(conversion(number, status=status))
    assert view.unaccepted() == {conversion(1).key, conversion(2).key}
