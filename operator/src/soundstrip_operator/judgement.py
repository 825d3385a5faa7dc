"""How a try goes: its Job and its pod, judged by the pod's containers.

When one of two containers dies the pod stays Running and the Job notices nothing, so the
containers are looked at first, and the Job's own word counts only where the pod's is not to be had.
"""

import re
from datetime import datetime, timedelta

from soundstrip_crds.job import ExitCode
from soundstrip_crds.names import CONVERTER, MOVER
from soundstrip_crds.reasons import Reason
from soundstrip_operator.policy import Policy
from soundstrip_operator.starting import has_started, judge_start, what_it_waits_for
from soundstrip_operator.termination import (
    End,
    blame,
    read_mover_report,
    reason_of,
    recordable,
)
from soundstrip_operator.verdict import Failure, Missing, Success, Underway, Unseen, Verdict
from soundstrip_operator.workload import Job, JobCondition, Pod, Terminated

_DEADLINE = "DeadlineExceeded"
_POD_FAILURE_POLICY = re.compile(r"Container \S+ for pod \S+ failed with exit code (\d+)")
_NOT_ADMITTED = "Kueue has not admitted its Job; look at its Workload and at the queue"
_ASK_WHY = 5.0
"""Seconds after which a Job that has no pod is asked why."""


def judge(job: Job | None, pod: Pod | None, now: datetime, policy: Policy) -> Verdict:
    """Judge a try that is not recorded as finished."""
    verdict = _judge_pod(pod, job, now, policy) if pod else None
    if isinstance(verdict, Success):
        return verdict
    if job is None:
        return verdict or Missing()
    if job.suspended:
        return Underway(Reason.QUEUED, _NOT_ADMITTED)
    if _overdue(job, pod, verdict):
        return Failure(Reason.DEADLINE_EXCEEDED)
    return verdict if isinstance(verdict, Failure) else _judge_job(job, pod, verdict, now, policy)


def _judge_job(
    job: Job, pod: Pod | None, verdict: Verdict | None, now: datetime, policy: Policy
) -> Verdict:
    end = job.condition("Complete", "Failed", *(() if pod else ("FailureTarget",)))
    if end is None:
        return verdict or _judge_podless(job, now, policy)
    return _judge_by_job(end, pod, now, policy)


def _judge_pod(pod: Pod, job: Job | None, now: datetime, policy: Policy) -> Verdict:
    ends = [End(name, how) for name in (CONVERTER, MOVER) if (how := pod.ended(name))]
    mover = pod.ended(MOVER)
    if mover is not None and mover.exit_code == ExitCode.OK:
        return _read_result(mover)
    if any(end.failed for end in ends) or pod.status.phase == "Failed":
        return _judge_ends(pod, ends, now, policy)
    if _is_lost(pod, now, policy):
        return Failure(Reason.WORKER_LOST, f"The node {pod.spec.node_name} does not answer")
    if has_started(pod):
        return Underway(Reason.PENDING, recheck=_until_lost(pod, now, policy))
    created = _begun(job) if job else pod.metadata.creation_timestamp
    return judge_start(what_it_waits_for(pod), created, now, policy)


def _read_result(mover: Terminated) -> Success | Failure:
    report = read_mover_report(mover)
    if report.result is None:
        return Failure(Reason.WORKER_LOST, "The mover's report cannot be read")
    return Success(report.result, report.media)


def _judge_ends(pod: Pod, ends: list[End], now: datetime, policy: Policy) -> Verdict:
    """The other container learns of the death by its lock, so it should end at once too."""
    if pod.status.phase == "Failed" and (pod.status.reason or not ends):
        return _thrown_out(pod, ends)
    if pod.finished:
        return blame(ends)
    first = ends[0].how.finished_at
    left = policy.linger - ((now - first) / timedelta(seconds=1) if first else policy.linger)
    return blame(ends) if left <= 0 else Underway(Reason.PENDING, recheck=left)


def _thrown_out(pod: Pod, ends: list[End]) -> Failure:
    """The kubelet failed the whole pod: it was evicted, or not admitted to the node."""
    said = f"{pod.status.reason}: {pod.status.message}".strip(": ")
    if not ends:
        evicted = pod.status.reason == "Evicted"
        return Failure(_of_eviction(said) if evicted else Reason.START_FAILED, said)
    failure = blame(ends) if any(end.failed for end in ends) else None
    if failure is not None and failure.reason != Reason.WORKER_LOST:
        return failure
    return Failure(_of_eviction(said), said, failure.exit_code if failure else None)


def _of_eviction(said: str) -> Reason:
    disk = re.search("ephemeral|emptydir|disk|inode", said, re.IGNORECASE)
    return Reason.DISK_FULL if disk else Reason.WORKER_LOST


def _is_lost(pod: Pod, now: datetime, policy: Policy) -> bool:
    left = _until_lost(pod, now, policy)
    return left is not None and left <= 0


def _until_lost(pod: Pod, now: datetime, policy: Policy) -> float | None:
    """A living kubelet kills a pod at its deletion time, which has the grace period in it."""
    deleted = pod.metadata.deletion_timestamp
    if deleted is None:
        return None
    return policy.lost_after - (now - deleted) / timedelta(seconds=1)


def _overdue(job: Job, pod: Pod | None, verdict: Verdict | None) -> bool:
    """Say whether the deadline ended it: the containers then end as if they had been lost."""
    end = job.condition("Failed", "FailureTarget")
    if end is not None and end.reason == _DEADLINE:
        return True
    if not isinstance(verdict, Failure) or verdict.reason != Reason.WORKER_LOST or pod is None:
        return False
    start, limit = job.status.start_time, job.spec.active_deadline_seconds
    ends = [how.finished_at for name in (CONVERTER, MOVER) if (how := pod.ended(name))]
    last = max((end for end in ends if end), default=None)
    if start is None or limit is None or last is None:
        return False
    return pod.metadata.deletion_timestamp is not None and last - start >= timedelta(seconds=limit)


def _judge_podless(job: Job, now: datetime, policy: Policy) -> Verdict:
    created = _begun(job)
    verdict = judge_start("", created, now, policy)
    age = (now - created) / timedelta(seconds=1)
    if isinstance(verdict, Failure) or age >= _ASK_WHY:
        return Unseen(recheck=2 * _ASK_WHY)
    return Underway(Reason.PENDING, recheck=_ASK_WHY - age)


def _begun(job: Job) -> datetime:
    """Return since when it may have a pod; each admission by Kueue starts that clock anew."""
    return job.status.start_time or job.metadata.creation_timestamp


def _judge_by_job(end: JobCondition, pod: Pod | None, now: datetime, policy: Policy) -> Verdict:
    since = end.last_transition_time
    if pod is not None and since is not None:
        left = policy.settle - (now - since) / timedelta(seconds=1)
        if left > 0:
            return Underway(Reason.PENDING, recheck=left)
    said = _POD_FAILURE_POLICY.search(end.message)
    if end.type != "Complete" and said:
        code = int(said[1])
        return Failure(reason_of(code), "", recordable(code))
    return Failure(Reason.WORKER_LOST, "The pod went before its end was seen")
