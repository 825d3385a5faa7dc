"""Random lives of a batch under an operator that is killed anywhere, again and again."""

import asyncio
import copy
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.batches import STATUSES, BatchModel, batch_body
from tests.cluster_model import Clock, Fuse, Killed

from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.names import BATCH_LABEL, FINALIZER, OWNER_LABEL
from soundstrip_operator.batch.carrying import BatchHands
from soundstrip_operator.batch.reconciler import BatchReconciler
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Retry, Workqueue

_NAME = "holiday"
_OUT_OF_PATIENCE = 7
_OPEN = ("new", "waiting", "blocked", "running")


class BatchLives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock, self.fuse = Clock(), Fuse()
        self.model = BatchModel(self.clock, self.fuse)
        self.stands: dict[str, str] = {}
        self.lost_early: set[str] = set()
        self.ends: set[tuple[str, str]] = set()
        self.known_total: set[int] = set()
        self.wanted = self.parallelism = 0

    @initialize(
        items=st.integers(1, 5),
        profiles=st.sampled_from([[], ["high"], ["high", "small"]]),
        parallelism=st.none() | st.integers(1, 3),
        policy=st.sampled_from(["Continue", "FailFast"]),
        selects=st.booleans(),
    )
    def begin(
        self,
        items: int,
        profiles: list[str],
        parallelism: int | None,
        policy: str,
        *,
        selects: bool,
    ) -> None:
        self.wanted = items * max(1, len(profiles))
        self.parallelism = parallelism or self.wanted
        spec: dict[str, Any] = {"profiles": profiles, "failurePolicy": policy}
        if parallelism:
            spec["parallelism"] = parallelism
        if selects:
            spec |= {"items": None, "selector": {"matchLabels": {"album": "holiday"}}}
            for number in range(items):
                name = self.model.add_conversion(number, {})
                self.model.conversions[name]["spec"]["owner"]["id"] = "u1"
        self.model.add_batch(batch_body(items, metadata={"labels": {}}, spec=spec))
        self.start_operator()

    def start_operator(self) -> None:
        self.view = View()
        cluster: Any = self.model
        self.reconciler = BatchReconciler(
            self.view,
            queue=Workqueue(workers=1),
            hands=BatchHands(self.view, cluster),
            permit=lambda: None,
            clock=self.clock,
        )
        self.see_everything()

    @rule()
    def see_everything(self) -> None:
        version, bodies = self.model.version, copy.deepcopy(self.model.conversions)
        self.view.replace_conversions([Conversion.parse(b) for b in bodies.values()], version)
        batches = copy.deepcopy(self.model.batches)
        self.view.batches.replace([ConversionBatch.parse(b) for b in batches.values()], version)

    @rule()
    def kill(self) -> None:
        self.start_operator()

    @rule(fuse=st.none() | st.integers(0, 12))
    def reconcile(self, fuse: int | None) -> None:
        async def attempt() -> None:
            try:
                await self.reconciler.reconcile(_NAME)
            except Retry:
                return

        self.fuse.left = fuse
        try:
            self.loop.run_until_complete(attempt())
        except Killed:
            self.start_operator()
        self.fuse.left = None
        self.remember()

    @rule()
    def look(self) -> None:
        self.see_everything()
        self.reconcile(None)

    def children(self) -> dict[str, dict[str, Any]]:
        bodies = self.model.conversions.items()
        return {name: body for name, body in bodies if BATCH_LABEL in body["metadata"]["labels"]}

    def standing(self, *how: str) -> list[str]:
        return sorted(name for name in self.children() if self.stands.get(name, "new") in how)

    def stand(self, name: str, how: str) -> None:
        self.stands[name] = how
        self.model.set_status(name, STATUSES[how])

    @precondition(lambda self: self.standing("new"))
    @rule(data=st.data(), how=st.sampled_from(["waiting", "blocked"]))
    def is_looked_at(self, data: st.DataObject, how: str) -> None:
        self.stand(data.draw(st.sampled_from(self.standing("new"))), how)

    @precondition(lambda self: self.standing("new", "waiting", "blocked"))
    @rule(data=st.data())
    def starts(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.standing("new", "waiting", "blocked")))
        if not self.children()[name]["spec"].get("suspend"):
            self.stand(name, "running")

    @precondition(lambda self: self.standing("running"))
    @rule(data=st.data(), how=st.sampled_from(["succeeded", "succeeded", "failed"]))
    def ends_somehow(self, data: st.DataObject, how: str) -> None:
        self.stand(data.draw(st.sampled_from(self.standing("running"))), how)

    @rule()
    def obey(self) -> None:
        """What conversions do when they are suspended or cancelled."""
        for name in self.standing(*_OPEN):
            spec = self.children()[name]["spec"]
            if spec.get("cancelled"):
                self.stand(name, "cancelled")
            elif spec.get("suspend") and self.stands.get(name) == "running":
                self.stand(name, "waiting")

    @precondition(lambda self: self.children())
    @rule(data=st.data())
    def person_deletes_one(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.children())))
        if self.status().get("total") is None:
            self.lost_early.add(name)
        self.model.lose(name)
        self.stands.pop(name, None)

    @precondition(lambda self: self.children() and self.status().get("total"))
    @rule(data=st.data())
    def person_cancels_one(self, data: st.DataObject) -> None:
        self.model.change(data.draw(st.sampled_from(sorted(self.children()))), cancelled=True)

    @rule(suspend=st.booleans(), priority=st.integers(-1, 1), patience=st.integers(0, 9))
    def person_intervenes(self, priority: int, patience: int, *, suspend: bool) -> None:
        self.model.change_batch(_NAME, suspend=suspend, priority=priority)
        if patience == _OUT_OF_PATIENCE:
            self.model.change_batch(_NAME, cancelled=True)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.model.batches[_NAME]["status"]
        return status

    def succeeded(self) -> tuple[str, str]:
        conditions = {c["type"]: c for c in self.status().get("conditions", [])}
        found = conditions.get("Succeeded", {"status": "Unknown", "reason": ""})
        return found["status"], found["reason"]

    def remember(self) -> None:
        value, reason = self.succeeded()
        if value != "Unknown":
            self.ends.add((value, reason))
        if (total := self.status().get("total")) is not None:
            self.known_total.add(total)

    @invariant()
    def no_more_than_the_parallelism_are_let_go(self) -> None:
        children = self.children()
        loose = [
            name for name in self.standing(*_OPEN) if not children[name]["spec"].get("suspend")
        ]
        assert len(loose) <= self.parallelism

    @invariant()
    def each_is_made_once(self) -> None:
        again = {name for name, times in Counter(self.model.created).items() if times > 1}
        assert again <= self.lost_early, "only what was deleted before all were made"

    @invariant()
    def each_is_adopted_from_the_beginning(self) -> None:
        for body in self.children().values():
            assert FINALIZER in body["metadata"]["finalizers"]
            assert body["metadata"]["labels"][OWNER_LABEL] == "u1"

    @invariant()
    def an_outcome_and_a_total_never_change(self) -> None:
        assert len(self.ends) <= 1
        assert len(self.known_total) <= 1

    @invariant()
    def the_counts_add_up(self) -> None:
        status = self.status() if self.model.batches else {}
        if status.get("counts"):
            assert sum(status["counts"].values()) == status["total"]

    def teardown(self) -> None:
        if self.model.batches:
            self.come_to_an_end()
        self.loop.close()

    def come_to_an_end(self) -> None:
        self.model.change_batch(_NAME, suspend=False)
        for _ in range(60):
            self.see_everything()
            self.reconcile(None)
            self.no_more_than_the_parallelism_are_let_go()
            if self.ends:
                break
            self.obey()
            for name in self.standing(*_OPEN):
                if not self.children()[name]["spec"].get("suspend"):
                    self.stand(name, "succeeded")
        assert len(self.ends) == 1, "each batch comes to its end"
        assert not self.standing(*_OPEN), "and nothing of it is left"
        [(value, reason)] = self.ends
        counts = Counter(self.stands[name] for name in self.children())
        if value == "True":
            assert set(counts) <= {"succeeded"}
            assert self.status()["total"] == self.wanted
        assert reason != "ItemsFailed" or counts["failed"] or self.status()["counts"]["failed"]


BatchLives.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestBatchLives = BatchLives.TestCase
