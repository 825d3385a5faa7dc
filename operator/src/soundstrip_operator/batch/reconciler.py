"""The shell around the decision on batches: it looks, decides and carries out."""

from collections.abc import Callable
from datetime import datetime

from soundstrip_crds.batch import ConversionBatch
from soundstrip_operator.actions import BackOff
from soundstrip_operator.batch.actions import WriteStatus
from soundstrip_operator.batch.carrying import BatchHands
from soundstrip_operator.batch.decision import decide
from soundstrip_operator.batch.situation import Facts, Situation
from soundstrip_operator.cluster import ClusterError
from soundstrip_operator.view import View
from soundstrip_operator.workqueue import Retry, Workqueue

_STEPS = 4
"""Decisions in one go: a batch of thousands lets others come in between."""


class BatchReconciler:
    """Brings one batch after the other to where it should be."""

    def __init__(
        self,
        view: View,
        *,
        queue: Workqueue,
        hands: BatchHands,
        permit: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Take `permit` for what raises Retry where this process may not act; asked each time."""
        self._view = view
        self._queue = queue
        self._hands = hands
        self._permit = permit
        self._clock = clock

    async def run(self) -> None:
        """Work on the batches of the queue until cancelled."""
        await self._queue.run(self.reconcile)

    async def reconcile(self, key: str) -> None:
        """Do for the batch of this name what can be done in one go.

        Raises:
            Retry: If the world would not have it.
        """
        facts: Facts | None = Facts()
        for _ in range(_STEPS):
            batch = self._view.batches.find(key)
            if batch is None or facts is None:
                return
            try:
                facts = await self._take_step(batch, facts)
            except ClusterError as error:
                raise Retry(str(error), error.pause) from error
        self._queue.add(key)

    async def _take_step(self, batch: ConversionBatch, facts: Facts) -> Facts | None:
        """Carry one decision out; None if it asked for no work, so that all is done for now."""
        children = self._view.batches.children_of(batch.metadata.uid)
        situation = Situation(batch, children, self._clock(), facts)
        worked = False
        for action in decide(situation):
            self._permit()
            if isinstance(action, BackOff):
                raise Retry(action.cause)
            worked = worked or not isinstance(action, WriteStatus)
            facts = await self._hands.carry_out(action, batch, facts)
            if facts.refusal is not None and situation.facts.refusal is None:
                break
        return facts if worked else None
