"""What is left to do around an outcome, and for the Jobs of tries that are over."""

from soundstrip_operator import story
from soundstrip_operator.actions import (
    Action,
    Actions,
    DeleteJob,
    Publish,
    RequeueAfter,
    WriteStatus,
)
from soundstrip_operator.conditions import observe
from soundstrip_operator.expiry import expire, seconds_to_expiry
from soundstrip_operator.situation import Situation, wants_another_run
from soundstrip_operator.workload import Job

_BATCH_GOES_ON = 60.0
"""Seconds after which it is asked again whether a conversion's batch has come to its end."""


def finish(s: Situation) -> Actions:
    """Return what a conversion with an outcome still needs; the outcome itself is never changed."""
    if _is_notified(s):
        if wants_another_run(s.conversion):
            return (WriteStatus(story.begun_again(s)),)
        refreshed = observe(s.status, s.conversion.metadata.generation)
        return s.write(refreshed) or close(s)
    if s.facts.published:
        return (*s.write(story.notified(s)), *tidy(s))
    return (*tidy(s), Publish())


def close(s: Situation) -> Actions:
    """Return what is left when all is told: the Jobs go, and in its time the object."""
    left = seconds_to_expiry(s)
    if left is None:
        return tidy(s)
    if s.is_counted:
        left = max(left, _BATCH_GOES_ON)
    return (*tidy(s), RequeueAfter(left)) if left > 0 else expire(s)


def tidy(s: Situation) -> Actions:
    """Return what removes the Jobs of tries that are over; failed ones stay a while for logs."""
    return tuple(action for job in s.jobs for action in _tidy_job(s, job))


def _is_notified(s: Situation) -> bool:
    condition = s.status.condition("Notified")
    return condition is not None and condition.status == "True"


def _tidy_job(s: Situation, job: Job) -> tuple[Action, ...]:
    if job.metadata.deletion_timestamp is not None or not _is_over(s, job):
        return ()
    left = 0.0 if _succeeded(s) else _seconds_left(s, job)
    if left > 0:
        return (RequeueAfter(left),)
    return (DeleteJob(job.metadata.name, job.metadata.uid),)


def _is_over(s: Situation, job: Job) -> bool:
    """A Job whose creation is not recorded yet is not over while the outcome is to come."""
    succeeded = s.status.condition("Succeeded")
    if succeeded is not None and succeeded.status != "Unknown":
        return True
    run, number = job.attempt
    ended = any(one.number == number and one.finished_at is not None for one in s.tries)
    return run < s.run or ended


def _succeeded(s: Situation) -> bool:
    condition = s.status.condition("Succeeded")
    return condition is not None and condition.status == "True"


def _seconds_left(s: Situation, job: Job) -> float:
    """A Job that does not come to its end by itself, with its pod ended, is not waited for."""
    end = job.condition("Failed")
    if end is not None and end.last_transition_time is not None:
        return s.policy.failed_job_retention - s.seconds_since(end.last_transition_time)
    pod = s.pod_of(job.metadata.name)
    if job.finished or pod is None or not pod.finished:
        return 0.0
    ended = next((one.finished_at for one in s.tries if one.number == job.attempt[1]), None)
    return s.policy.settle - s.seconds_since(ended) if ended else 0.0
