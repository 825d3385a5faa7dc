"""Random lives of conversions under an operator that is killed anywhere, again and again."""

import asyncio
import copy
import json
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.cluster_model import Clock, ClusterModel, Fuse, Killed, StorageModel
from tests.conversions import SUCCESS_REPORT

from soundstrip_crds.events import CloudEvent
from soundstrip_crds.names import CONVERTER, MOVER, OWNER_LABEL, RUN_LABEL
from soundstrip_operator.carrying import Hands
from soundstrip_operator.herald import Herald
from soundstrip_operator.intake import parse_job, parse_pod
from soundstrip_operator.job import Worker
from soundstrip_operator.metrics import Metrics
from soundstrip_operator.places import Places
from soundstrip_operator.policy import Policy
from soundstrip_operator.profiles import Profile
from soundstrip_operator.reconciler import Reconciler
from soundstrip_operator.resources import Resources
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Retry, Workqueue

_LIMIT = 2
_LIMIT_OF_ONE = 1
_PROFILE = "mine"
_MOST = 5
_TTL = 600

_SMALL = Resources(1, 1, "1", "1")
_WORKER = Worker(
    install="test",
    image="worker",
    pull_policy="Never",
    mover=_SMALL,
    converter=_SMALL,
    memory_ceiling=4,
    disk_headroom=1,
    max_result_bytes=1,
    mongo_db="soundstrip",
    mover_secret="mover",
    service_account=None,
    pull_secret=None,
    progress_url="http://operator",
    progress_key=b"0" * 32,
)

_ENDS = {
    "success": (0, "Completed", 0),
    "permanent": (23, "Error", 12),
    "storage": (20, "Error", 23),
    "converter killed": (23, "Error", 137),
    "mover killed": (137, "Error", 23),
}


class PublisherModel:
    def __init__(self, fuse: Fuse) -> None:
        self.published: list[str] = []
        self._fuse = fuse

    async def publish(self, event: CloudEvent) -> None:
        self._fuse.burn()
        self.published.append(event.id)
        self._fuse.burn()


class Lives(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock, self.fuse = Clock(), Fuse()
        self.cluster = ClusterModel(self.clock, self.fuse)
        self.storage = StorageModel(self.fuse)
        self.publisher = PublisherModel(self.fuse)
        self.metrics = Metrics()
        self.outcomes: dict[tuple[str, int], tuple[str, str]] = {}
        self.outputs: dict[tuple[str, int], dict[str, str]] = {}
        self.deleted_by_a_person: set[str] = set()
        self.given_up: set[str] = set()
        self.made = 0
        self.start_operator()

    def start_operator(self) -> None:
        self.view = View()
        policy = Policy(
            max_active_jobs=_LIMIT,
            max_active_per_owner=_LIMIT_OF_ONE,
            failed_job_retention=60,
            default_ttl=_TTL,
        )
        self.queue, self.publications = Workqueue(workers=1), Workqueue(workers=1)
        places = Places(self.view, policy)
        cluster: Any = self.cluster
        storage: Any = self.storage
        hands = Hands(
            self.view,
            places=places,
            cluster=cluster,
            storage=storage,
            worker=_WORKER,
            observers=[self.metrics.see_step],
            clock=self.clock,
        )
        self.herald = Herald(
            self.view,
            storage,
            self.publisher.publish,
            done=self.queue,
            queue=self.publications,
            permit=lambda: None,
        )
        self.reconciler = Reconciler(
            self.view,
            queue=self.queue,
            places=places,
            hands=hands,
            policy=policy,
            publish=self.herald.order,
            position=lambda about: places.line(self.clock()).get(about.key),
            permit=lambda: None,
            clock=self.clock,
        )
        self.see_everything()

    def run(self, work: Any) -> None:
        async def attempt() -> None:
            try:
                await work
            except Retry:
                return

        try:
            self.loop.run_until_complete(attempt())
        except Killed:
            self.start_operator()
        self.fuse.left = None

    @rule()
    def see_everything(self) -> None:
        version = self.cluster.version
        profiles = [Profile.parse(copy.deepcopy(one)) for one in self.cluster.profiles.values()]
        self.view.profiles.replace(profiles, version)
        bodies = self.cluster.conversions.values()
        self.view.replace_conversions(
            [Conversion.parse(copy.deepcopy(body)) for body in bodies], version
        )
        self.view.jobs.replace([parse_job(body) for body in self.cluster.jobs.values()], version)
        self.view.pods.replace([parse_pod(body) for body in self.cluster.pods.values()], version)

    @rule()
    def kill(self) -> None:
        self.start_operator()

    @precondition(lambda self: self.made < _MOST)
    @rule(output=st.sampled_from([{}, {"profile": _PROFILE}]))
    def upload(self, output: dict[str, str]) -> None:
        self.made += 1
        self.cluster.add_conversion(self.made, output)

    @rule(rate=st.sampled_from(["128k", "320k"]), default=st.booleans())
    def person_changes_profile(self, rate: str, *, default: bool) -> None:
        self.cluster.set_profile(_PROFILE, {"bitrate": rate, "default": default})

    @rule()
    def person_deletes_profile(self) -> None:
        self.cluster.profiles.clear()

    @precondition(lambda self: self.view.conversions)
    @rule(data=st.data(), fuse=st.none() | st.integers(0, 12))
    def reconcile(self, data: st.DataObject, fuse: int | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.view.conversions)))
        self.fuse.left = fuse
        self.run(self.reconciler.reconcile(key))

    @precondition(lambda self: self.view.conversions)
    @rule(data=st.data(), fuse=st.none() | st.integers(0, 4))
    def announce(self, data: st.DataObject, fuse: int | None) -> None:
        key = data.draw(st.sampled_from(sorted(self.view.conversions)))
        self.fuse.left = fuse
        self.run(self.herald.announce(key))

    @precondition(lambda self: set(self.cluster.jobs) - set(self.cluster.pods))
    @rule(data=st.data())
    def start_pod(self, data: st.DataObject) -> None:
        names = sorted(set(self.cluster.jobs) - set(self.cluster.pods))
        self.cluster.start_pod(data.draw(st.sampled_from(names)))

    @precondition(lambda self: self.cluster.pods)
    @rule(data=st.data(), how=st.sampled_from(sorted(_ENDS)), stored=st.booleans())
    def end_pod(self, data: st.DataObject, how: str, *, stored: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.pods)))
        self.finish_pod(name, how, stored=stored)

    def finish_pod(self, name: str, how: str, *, stored: bool) -> None:
        mover, reason, converter = _ENDS[how]
        if how == "success" or (stored and how == "mover killed"):
            self.storage.results.add(self.run_of(name))
        words = SUCCESS_REPORT if how == "success" else ""
        self.cluster.end_container(name, MOVER, mover, reason, words)
        self.cluster.end_container(name, CONVERTER, converter, "Error", "")

    @precondition(lambda self: self.cluster.pods)
    @rule(data=st.data(), container=st.sampled_from([MOVER, CONVERTER]))
    def kill_container(self, data: st.DataObject, container: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.pods)))
        self.cluster.end_container(name, container, 137, "OOMKilled", "")

    @precondition(lambda self: self.cluster.jobs)
    @rule(data=st.data())
    def person_deletes_job(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.jobs)))
        metadata = self.cluster.jobs[name]["metadata"]
        self.deleted_by_a_person.add(name)
        self.loop.run_until_complete(self.cluster.delete_job(name, metadata["uid"]))

    @precondition(lambda self: self.cluster.conversions)
    @rule(data=st.data(), what=st.sampled_from(["cancel", "delete"]))
    def person_gives_up(self, data: st.DataObject, what: str) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.conversions)))
        if what == "cancel":
            self.cluster.change(name, cancelled=True)
        else:
            self.given_up.add(self.cluster.give_up(name))

    @precondition(lambda self: self.cluster.conversions)
    @rule(data=st.data(), suspend=st.booleans(), priority=st.integers(-1, 1))
    def person_intervenes(self, data: st.DataObject, priority: int, *, suspend: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.cluster.conversions)))
        self.cluster.change(name, suspend=suspend, priority=priority)

    @precondition(lambda self: self.failed())
    @rule(data=st.data())
    def person_has_it_run_again(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.failed()))
        run = self.cluster.conversions[name]["spec"].get("run", 1)
        self.cluster.change(name, run=run + 1, cancelled=False)

    def failed(self) -> list[str]:
        found = {name: self.outcome_of(body) for name, body in self.cluster.conversions.items()}
        return sorted(name for name, outcome in found.items() if outcome and outcome[0] == "False")

    @rule()
    def settle(self) -> None:
        self.cluster.settle()

    @rule(seconds=st.integers(1, 400))
    def wait(self, seconds: int) -> None:
        self.clock.go(seconds)

    @rule()
    def storage_comes_or_goes(self) -> None:
        self.storage.is_down = not self.storage.is_down

    def run_of(self, job: str) -> tuple[str, int]:
        metadata = self.cluster.jobs[job]["metadata"]
        return metadata["ownerReferences"][0]["uid"], int(metadata["labels"][RUN_LABEL])

    @invariant()
    def no_more_than_the_limit_are_active(self) -> None:
        active = [
            job
            for job in self.cluster.jobs.values()
            if "deletionTimestamp" not in job["metadata"] and not job["status"].get("conditions")
        ]
        assert len(active) <= _LIMIT
        owners = Counter(job["metadata"]["labels"][OWNER_LABEL] for job in active)
        assert all(count <= _LIMIT_OF_ONE for count in owners.values())

    @invariant()
    def each_try_has_one_job(self) -> None:
        made = self.cluster.created_jobs
        again = {name for name in made if made.count(name) > 1}
        assert again <= self.deleted_by_a_person, "only what a person took away is made again"

    @invariant()
    def an_outcome_never_changes(self) -> None:
        for body in self.cluster.conversions.values():
            found = self.outcome_of(body)
            if found is None:
                continue
            run = (body["metadata"]["uid"], body["status"]["runs"][-1]["number"])
            assert self.outcomes.setdefault(run, found) == found

    @invariant()
    def what_is_made_never_changes(self) -> None:
        for body in self.cluster.conversions.values():
            runs, output = body["status"].get("runs", []), body["status"].get("output")
            if output is not None:
                run = (body["metadata"]["uid"], runs[-1]["number"] if runs else 1)
                assert self.outputs.setdefault(run, output) == output
        for job in self.cluster.jobs.values():
            for container in job["spec"]["template"]["spec"]["containers"]:
                plan = json.loads(container["env"][0]["value"])
                assert plan["output"] == self.outputs[plan["uid"], plan["run"]]

    @invariant()
    def what_goes_by_itself_is_archived_and_keeps_its_result(self) -> None:
        present = {body["metadata"]["uid"] for body in self.cluster.conversions.values()}
        for uid in {uid for uid, _ in self.outcomes} - present - self.given_up:
            last = self.storage.archived[uid]
            run = (uid, last["status"]["runs"][-1]["number"])
            assert self.outcome_of(last) == self.outcomes[run]
            assert (run in self.storage.results) >= (self.outcomes[run][0] == "True")

    def teardown(self) -> None:
        self.storage.is_down = False
        for name in self.cluster.conversions:
            self.cluster.change(name, suspend=False)
        self.person_changes_profile("128k", default=False)
        for _ in range(120):
            if self.is_at_rest():
                break
            self.clock.go(60)
            self.see_everything()
            for key in sorted(self.view.conversions):
                self.run(self.reconciler.reconcile(key))
                self.run(self.herald.announce(key))
                self.run(self.reconciler.reconcile(key))
            self.no_more_than_the_limit_are_active()
            self.an_outcome_never_changes()
            self.what_is_made_never_changes()
            for name in set(self.cluster.jobs) - set(self.cluster.pods):
                self.cluster.start_pod(name)
            for name in list(self.cluster.pods):
                if name in self.cluster.jobs:
                    self.finish_pod(name, "success", stored=True)
            self.cluster.settle()
        for body in self.cluster.conversions.values():
            assert "deletionTimestamp" not in body["metadata"], "what is deleted goes"
            outcome = self.outcome_of(body)
            assert outcome is not None, "each comes to an end"
            self.is_told_once_and_whole(body, outcome)
        assert not self.cluster.jobs, "no Job is left behind"
        self.an_outcome_never_changes()
        value = self.metrics.registry.get_sample_value
        counted = value("soundstrip_conversion_duration_seconds_count") or 0
        assert counted <= len(self.outcomes), "no outcome is counted twice"
        self.all_expire()

    def all_expire(self) -> None:
        self.clock.go(_TTL)
        for key in sorted(self.view.conversions):
            self.run(self.reconciler.reconcile(key))
        self.loop.close()
        assert not self.cluster.conversions, "what is past its time goes"
        self.what_goes_by_itself_is_archived_and_keeps_its_result()

    def is_at_rest(self) -> bool:
        self.see_everything()
        return not self.view.unsettled() and not self.cluster.jobs

    def is_told_once_and_whole(self, body: dict[str, Any], outcome: tuple[str, str]) -> None:
        uid = body["metadata"]["uid"]
        conditions = {c["type"]: c for c in body["status"]["conditions"]}
        assert conditions["Finished"]["status"] == "True"
        assert conditions["Notified"]["status"] == "True"
        runs = body["status"]["runs"]
        assert runs[-1]["number"] == body["spec"].get("run", 1)
        for run in runs:
            assert run["finishedAt"]
            assert f"{uid}.{run['number']}.finished" in self.publisher.published
        assert ("result" in body["status"]) == (outcome[0] == "True")
        assert all(one.get("finishedAt") for one in self.tries_of(body))
        counted = [one for one in self.tries_of(body) if one["reason"] != "Suspended"]
        assert len(counted) <= Policy().max_tries

    @staticmethod
    def tries_of(body: dict[str, Any]) -> list[dict[str, Any]]:
        runs = body["status"].get("runs", [])
        tries: list[dict[str, Any]] = runs[-1].get("tries", []) if runs else []
        return tries

    @staticmethod
    def outcome_of(body: dict[str, Any]) -> tuple[str, str] | None:
        for condition in body["status"].get("conditions", []):
            if condition["type"] == "Succeeded" and condition["status"] != "Unknown":
                return condition["status"], condition["reason"]
        return None


Lives.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLives = Lives.TestCase
