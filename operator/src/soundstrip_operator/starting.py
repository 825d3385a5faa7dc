"""A pod that has not started: what it waits for, in its own words, and for how long."""

from datetime import datetime, timedelta

from soundstrip_crds.reasons import Reason
from soundstrip_operator.policy import Policy
from soundstrip_operator.verdict import Failure, Underway
from soundstrip_operator.workload import Pod, Waiting

_NOT_WORTH_A_WORD = frozenset({"ContainerCreating", "PodInitializing", ""})


def has_started(pod: Pod) -> bool:
    """Say whether every container has been started once."""
    statuses = pod.status.container_statuses
    return bool(statuses) and all(status.state.waiting is None for status in statuses)


def judge_start(cause: str, created: datetime, now: datetime, policy: Policy) -> Underway | Failure:
    """Judge a try whose containers do not run yet, `created` being its Job's creation."""
    left = policy.start_limit - (now - created) / timedelta(seconds=1)
    if left > 0:
        return Underway(Reason.PENDING, cause, recheck=left)
    waited = f"It did not start within {policy.start_limit:g} s"
    return Failure(Reason.START_FAILED, f"{waited}: {cause}" if cause else waited)


def what_it_waits_for(pod: Pod) -> str:
    """Return the kubelet's or the scheduler's message; empty if all goes its usual way."""
    for status in pod.status.container_statuses:
        waiting = status.state.waiting
        if waiting is not None and waiting.reason not in _NOT_WORTH_A_WORD:
            return _tell(waiting)
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status == "False":
            return condition.message or condition.reason or ""
    return ""


def _tell(waiting: Waiting) -> str:
    return f"{waiting.reason}: {waiting.message}" if waiting.message else waiting.reason
