"""The shell around the decision: it looks, decides and carries out, until nothing is left."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from soundstrip_crds.names import job_name
from soundstrip_operator.actions import BackOff, Publish, RequeueAfter
from soundstrip_operator.caption import extend_caption
from soundstrip_operator.carrying import Hands
from soundstrip_operator.cluster import ClusterError, NotFound
from soundstrip_operator.decision import decide
from soundstrip_operator.places import Places
from soundstrip_operator.policy import Policy
from soundstrip_operator.situation import JOB_NAME_LABEL, Facts, Situation, attempt_of, run_of
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workload import Pod
from soundstrip_operator.workqueue import Retry, Workqueue

_STEPS = 16
"""More steps than any conversion takes in one go: beyond them something goes round in circles."""


class Reconciler:
    """Brings one conversion after the other to where it should be."""

    def __init__(
        self,
        view: View,
        *,
        queue: Workqueue,
        places: Places,
        hands: Hands,
        policy: Policy,
        publish: Callable[[str], None],
        position: Callable[[Conversion], int | None],
        permit: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take what the reconciler asks of others.

        `publish` has the end of a conversion announced, in its own time; `position` says which
        place in the line is to be told; `permit` raises Retry at a moment at which this operator
        may not act.
        """
        self._clock = clock
        self._view = view
        self._queue = queue
        self._places = places
        self._hands = hands
        self._policy = policy
        self._publish = publish
        self._position = position
        self._permit = permit

    async def reconcile(self, key: str) -> None:
        """Do all that can be done for the conversion of this name now.

        Raises:
            Retry: If the world would not have it.
        """
        try:
            await self._pursue(key)
            await self._hands.tell(key)
        except NotFound:
            self._view.remove_conversion(key)
            await self._hands.tell(key)
        except ClusterError as error:
            self._places.step_back(key, self._clock())
            raise Retry(str(error), error.pause) from error
        except Exception:
            self._places.step_back(key, self._clock())
            raise
        finally:
            self._wake()

    async def _pursue(self, key: str) -> None:
        facts = Facts()
        for _ in range(_STEPS):
            about = self._view.conversions.get(key)
            if about is None:
                return
            extend_caption(about.parsed.status)
            known = replace(facts, published=self._view.is_published(about))
            told = await self._carry_out(self._look(about, known), about)
            if told is None:
                return
            facts = told if self._is_in_same_run(about) else Facts()
        raise Retry("it did not come to rest")

    async def _carry_out(self, situation: Situation, about: Conversion) -> Facts | None:
        """Carry the decision out; None if there is nothing left to decide by what came of it."""
        facts, moved = situation.facts, False
        for action in decide(situation):
            self._permit()
            match action:
                case RequeueAfter(seconds):
                    self._queue.add_after(about.key, seconds)
                case Publish():
                    self._publish(about.key)
                case BackOff(cause):
                    raise Retry(cause)
                case task:
                    facts, moved = await self._hands.carry_out(task, about, facts), True
        return facts if moved else None

    def _is_in_same_run(self, before: Conversion) -> bool:
        """What was found out in one run says nothing of the next."""
        after = self._view.conversions.get(before.key, before)
        return run_of(after.parsed.status) == run_of(before.parsed.status)

    def _look(self, about: Conversion, facts: Facts) -> Situation:
        uid = about.parsed.metadata.uid
        jobs = tuple(job for job in self._view.jobs.of(about.key) if job.belongs_to(uid))
        stem = _stem(job_name(about.key, uid, 1, 1))
        pods = tuple(pod for pod in self._view.pods.of(about.key) if _stem(_job_of(pod)) == stem)
        if any(job.suspended for job in jobs):
            self._view.progress.pop(attempt_of(about.parsed), None)  # It begins anew.
        return Situation(
            conversion=about.parsed,
            jobs=jobs,
            pods=pods,
            now=self._clock(),
            policy=self._policy,
            profiles=self._view.profiles.all(),
            is_counted=self._view.batches.counts_on(about.parsed),
            position=self._position(about),
            progress=self._view.progress.get(attempt_of(about.parsed)),
            facts=facts,
        )

    def _wake(self) -> None:
        """Have those go on that have a place now, and look again when time frees another."""
        now = self._clock()
        for key in self._places.next_in_line(now):
            self._queue.add(key)
        for key, due in self._places.take_reminders().items():
            self._queue.add_after(key, (due - now) / timedelta(seconds=1))


def _job_of(pod: Pod) -> str:
    return pod.metadata.labels.get(JOB_NAME_LABEL, "")


def _stem(job: str) -> str:
    """Return a Job's name without run and try: it is of one conversion's uid only."""
    return job.rsplit("-", 2)[0]
