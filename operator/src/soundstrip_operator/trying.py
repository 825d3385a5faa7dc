"""An accepted conversion on its way through its tries."""

from typing import assert_never

from soundstrip_crds.conversion import Result, Try
from soundstrip_crds.reasons import PERMANENT, Reason
from soundstrip_operator import story
from soundstrip_operator.actions import (
    Actions,
    BackOff,
    ConfirmJobGone,
    CreateJob,
    LookUpResult,
    LookUpWarning,
    RequestPlace,
    RequeueAfter,
    WriteStatus,
)
from soundstrip_operator.backoff import may_retry, memory_growth, next_start
from soundstrip_operator.conditions import explain
from soundstrip_operator.judgement import judge
from soundstrip_operator.situation import Answer, Situation, next_try, tries_of
from soundstrip_operator.starting import judge_start
from soundstrip_operator.verdict import Failure, Missing, Success, Underway, Unseen, Verdict


def pursue(s: Situation) -> Actions:
    """Return what brings an accepted conversion nearer to its end."""
    if s.current is not None:
        return _stop(s) if s.conversion.spec.suspend else _follow(s, s.current)
    job = s.job_of(next_try(s.status))
    if job is not None:
        return (WriteStatus(story.begun(s, job)),)
    if s.conversion.spec.suspend:
        return s.write(story.suspended(s, s.status))
    return _start(s)


def _stop(s: Situation) -> Actions:
    """A result that is already stored is not thrown away; the Job of the try goes after it."""
    verdict = judge_current(s)
    if isinstance(verdict, Success):
        return (WriteStatus(story.succeeded(s, verdict.result, verdict.media)),)
    if isinstance(verdict, Failure):
        return _fail(s, verdict)
    stopped = story.ended(s, Failure(Reason.SUSPENDED))
    return (WriteStatus(story.suspended(s, stopped)),)


def judge_current(s: Situation) -> Verdict | None:
    """Judge the try under way; None if there is none."""
    if s.current is None:
        return None
    job = s.job_of(s.current.number)
    patience = s.conversion.spec.active_deadline_seconds + s.policy.start_limit
    if job is None and s.seconds_since(s.current.started_at) > patience:
        return Missing()  # A pod that lost its Job has nobody to end it at its deadline.
    return judge(job, s.pod_of(s.current.job), s.now, s.policy)


def _start(s: Situation) -> Actions:
    if not s.tries:
        return _take_place(s)
    due = next_start(s.conversion.metadata.uid, s.tries[-1], s.policy)
    if due > s.now:
        return (*s.write(story.retrying(s, s.status)), RequeueAfter(-s.seconds_since(due)))
    if s.facts.result is None:
        return _look_up_result(s)
    if isinstance(s.facts.result, Result):
        return (WriteStatus(story.succeeded(s, s.facts.result, None)),)
    return _take_place(s)


def _take_place(s: Situation) -> Actions:
    if s.facts.refusal is not None:
        text = explain(Reason.QUEUED, s.facts.refusal)
        return (*s.write(story.queued(s, text)), BackOff(s.facts.refusal))
    if s.conversion.spec.queue_name:
        return (CreateJob(s.run, next_try(s.status), memory_growth(s.tries)),)
    match s.facts.place:
        case None:
            return (RequestPlace(),)
        case Answer.YES:
            return (CreateJob(s.run, next_try(s.status), memory_growth(s.tries)),)
        case Answer.NO:
            return s.write(story.queued(s, explain(Reason.QUEUED)))
        case _ as never:
            assert_never(never)


def _follow(s: Situation, current: Try) -> Actions:
    verdict = judge_current(s)
    match verdict:
        case Underway(reason, cause, recheck):
            return _wait(s, reason, cause, recheck)
        case Unseen(recheck):
            return _ask_why(s, current, recheck)
        case Missing():
            return _miss(s, current)
        case Success(result, media):
            return (WriteStatus(story.succeeded(s, result, media)),)
        case Failure():
            return _ask_kueue(s, current) or _fail(s, verdict)
        case None:
            return ()
        case _ as never:
            assert_never(never)


def _ask_kueue(s: Situation, current: Try) -> Actions:
    """A pod that ended may have been taken back by Kueue, and its Job may be seen too late."""
    job = s.job_of(current.number)
    if job is None or not job.is_placed_by_kueue or s.facts.job_gone is not None:
        return ()
    return (ConfirmJobGone(current.job),)


def _wait(s: Situation, reason: Reason, cause: str, recheck: float | None) -> Actions:
    later = () if recheck is None else (RequeueAfter(recheck),)
    return (*s.write(story.underway(s, reason, cause)), *later)


def _ask_why(s: Situation, current: Try, recheck: float) -> Actions:
    if s.facts.warning is None:
        return (LookUpWarning(current.job),)
    job = s.job_of(current.number)
    created = job.metadata.creation_timestamp if job else current.started_at
    verdict = judge_start(s.facts.warning, created, s.now, s.policy)
    if isinstance(verdict, Failure):
        return _fail(s, verdict)
    return _wait(s, verdict.reason, verdict.cause, recheck)


def _miss(s: Situation, current: Try) -> Actions:
    if s.facts.job_gone is None:
        return (ConfirmJobGone(current.job),)
    if s.facts.job_gone is Answer.NO:
        return (RequeueAfter(1.0),)
    return _fail(s, Failure(Reason.WORKER_LOST, "Its Job was deleted"))


def _fail(s: Situation, failure: Failure) -> Actions:
    """A transient end may have come after the result was stored: that is looked up first."""
    if failure.reason in PERMANENT:
        return (WriteStatus(story.failed(s, failure)),)
    if s.facts.result is None:
        return _look_up_result(s)
    if isinstance(s.facts.result, Result):
        return (WriteStatus(story.succeeded(s, s.facts.result, failure.media)),)
    ended = story.ended(s, failure)
    if not may_retry(tries_of(ended), s.policy):
        return (WriteStatus(story.failed(s, failure)),)
    return (WriteStatus(story.retrying(s, ended)),)


def _look_up_result(s: Situation) -> Actions:
    """Nothing runs again, and nothing is given up, before it is known that no result is stored."""
    down = s.facts.storage_down
    if down is None:
        return (LookUpResult(),)
    text = explain(Reason.STORAGE_UNAVAILABLE, down)
    return (*s.write(story.held(s, text)), BackOff(down))
