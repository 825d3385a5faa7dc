"""The sweep with a real mongod: it takes all that is dead, and nothing that lives."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from bson import ObjectId
from prometheus_client import CollectorRegistry
from tests.cluster_model import Clock
from tests.containers import Server
from tests.conversions import accepted_status, condition, conversion_body
from tests.waiting import wait_until

from soundstrip_gateway.sweeps import Sweeps
from soundstrip_operator import sweeper as sweeper_module
from soundstrip_operator.alarm import Alarm
from soundstrip_operator.cluster import Cluster
from soundstrip_operator.sweep import SweepPolicy
from soundstrip_operator.sweep_census import SweepCensus
from soundstrip_operator.sweeper import Store, Sweeper
from soundstrip_operator.view import Conversion, View
from soundstrip_operator.workqueue import Retry, Workqueue
from soundstrip_storage import inventory
from soundstrip_storage.archive import Archive, ArchivedConversion
from soundstrip_storage.connection import Documents, connect, connect_async
from soundstrip_storage.gridfs import FileWriter
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.inventory import Blob, Inventory
from soundstrip_storage.layout import CHUNK_SIZE, Bucket, StoredFile
from soundstrip_storage.ledger import Ledger
from soundstrip_storage.removal import Removal
from soundstrip_storage.setup import roles, set_up_collections, set_up_user
from soundstrip_storage.sweep_calls import SweepCalls

NOW = datetime.now(UTC)
VIDEO = b"v" * (CHUNK_SIZE + 1)
COLLECTIONS = ("sources.files", "sources.chunks", "results.files", "results.chunks", "intents")

_STORED_SO_FAR = 16
"""Chunks of a writer that has one more."""


class Scene:
    """A database as an administrator sees it, and a sweeper with the operator's rights."""

    def __init__(self, database: Documents, own: Any) -> None:
        self.database = database
        self.view, self.clock, self.sees_all = View(), Clock(), True
        self.clock.now = datetime.now(UTC) + timedelta(hours=2)
        self.archive, self.ledger = Archive(own), Ledger(own)
        self.inventory, self.removal = Inventory(own, "mine"), Removal(own, "mine")
        self.calls = SweepCalls(own, "mine")

    def sweeper(self, **policy: Any) -> Sweeper:
        nowhere: Any = None
        cluster: Cluster = nowhere
        return Sweeper(
            self.view,
            Store(self.inventory, self.archive, self.removal, self.calls),
            policy=SweepPolicy(**policy),
            permit=lambda: None,
            sees_all=lambda: self.sees_all,
            alarm=Alarm(cluster, "nobody", None),
            clock=self.clock,
        )

    def store_source(self, *refs: str, install: str = "mine") -> StoredFile:
        metadata = {"contact": None, "contentType": "video/mp4", "refs": list(refs)}
        with FileWriter(self.database, Bucket.SOURCES, install=install, owner="ann") as writer:
            writer.write(VIDEO)
            file = writer.finish("a.mp4", metadata)
        settle_intent(self.database, file.id)
        return file

    def store_result(self, uid: str, install: str = "mine") -> StoredFile:
        metadata = {"conversionUid": uid, "run": 1, "contentType": "audio/mpeg"}
        with FileWriter(self.database, Bucket.RESULTS, install=install, owner="ann") as writer:
            writer.write(b"audio")
            file = writer.finish("a.mp3", metadata)
        settle_intent(self.database, file.id)
        return file

    def break_off(self, bucket: Bucket, install: str = "mine") -> ObjectId:
        """Leave what a writer leaves that is killed."""
        writer = FileWriter(self.database, bucket, install=install, owner="ann").__enter__()
        writer.write(b"x" * (_STORED_SO_FAR + 1) * CHUNK_SIZE)
        key = {"files_id": ObjectId(writer.id)}
        chunks = self.database[bucket.chunks]
        wait_until(lambda: chunks.count_documents(key) == _STORED_SO_FAR, "chunks are stored")
        return ObjectId(writer.id)

    def add_conversion(self, uid: str, file_id: str = "0" * 24, **status: Any) -> None:
        number = len(self.view.conversions)
        body = conversion_body(file_id, uid, metadata={"name": f"c{number}"}, **status)
        self.view.put_conversion(Conversion.parse(body))

    async def archive_conversion(self, uid: str) -> None:
        entry = ArchivedConversion(
            uid, "vc-x", "soundstrip", "mine", "ann", {}, {}, {}, NOW, NOW, NOW
        )
        await self.archive.put(entry)

    def state(self) -> dict[str, list[dict[str, Any]]]:
        return {name: list(self.database[name].find().sort("_id", 1)) for name in COLLECTIONS}

    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in self.state().items() if found}

    def marks(self) -> int:
        files = (self.database[bucket.files] for bucket in Bucket)
        marked = sum(f.count_documents({"metadata.markedAt": {"$exists": True}}) for f in files)
        return marked + self.database["intents"].count_documents({"markedAt": {"$exists": True}})


@pytest_asyncio.fixture
async def scene(mongo_uri: str, mongo_server: Server, mongo_database: str) -> AsyncIterator[Scene]:
    database = connect(mongo_uri, mongo_database, application="tests")
    set_up_collections(database)
    [role] = [role for role in roles() if role.name == "operator"]
    set_up_user(database, role, "secret")
    address = f"127.0.0.1:{mongo_server.port}/?authSource={mongo_database}"
    own = connect_async(f"mongodb://operator:secret@{address}", mongo_database, application="tests")
    yield Scene(database, own)
    await own.client.close()


async def give_life(scene: Scene) -> None:
    """Store one of each kind of blob that somebody needs, and some of another installation."""
    scene.add_conversion("alive")
    await scene.archive_conversion("archived")
    scene.store_source("alive")
    scene.store_source("forgotten", "archived")
    scene.add_conversion("named", scene.store_source().id)
    scene.store_result("alive")
    scene.store_result("archived")
    for at, uid in enumerate(("forgotten", "other")):
        scene.store_source(*[uid][:at], install="another")
        scene.store_result(f"another-{uid}", install="another")
    scene.break_off(Bucket.SOURCES, install="another")


def give_death(scene: Scene) -> None:
    """Store one of each kind of blob that nobody needs."""
    scene.store_source()
    scene.store_source("forgotten", "lost")
    scene.store_result("forgotten")
    for bucket in Bucket:
        scene.break_off(bucket)
    died_before_its_object = scene.store_source()
    removed_in_part = scene.store_source()
    for file in (died_before_its_object, removed_in_part):
        intent = {"bucket": "sources", "install": "mine", "owner": "ann", "startedAt": NOW}
        scene.database["intents"].insert_one(intent | {"_id": ObjectId(file.id), "touchedAt": NOW})
    scene.database["sources.files"].delete_one({"_id": ObjectId(removed_in_part.id)})


@pytest.mark.parametrize("page", [2, 1000])
async def test_all_that_is_dead_goes_by_the_second_sweep_and_nothing_that_lives_ever(
    scene: Scene, page: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inventory, "_PAGE", page)
    await give_life(scene)
    living = scene.state()
    give_death(scene)
    before = scene.counts()
    sweeper = scene.sweeper()

    first = await sweeper.sweep()
    settled = {"intents": before["intents"] - 1}
    assert scene.counts() == before | settled, "first it only marks"
    assert (first.unneeded, first.due, first.removed) == (7, 0, 0)
    scene.clock.go(86_399)
    assert (await sweeper.sweep()).removed == 0
    scene.clock.go(1)
    second = await sweeper.sweep()

    assert (second.due, second.removed) == (7, 7)
    assert scene.state() == living
    scene.clock.go(10 * 86_400)
    assert (await sweeper.sweep()).unneeded == 0
    assert scene.state() == living


async def test_what_comes_to_be_needed_again_loses_its_mark(scene: Scene):
    file = scene.store_source()
    sweeper = scene.sweeper()
    await sweeper.sweep()
    assert scene.marks() == 1
    scene.clock.go(86_400)
    scene.add_conversion("late", file.id)
    await sweeper.sweep()
    assert scene.marks() == 0
    assert scene.counts() == {"sources.files": 1, "sources.chunks": 2}


async def test_what_a_file_was_stored_for_is_remembered_until_the_file_goes(scene: Scene):
    with FileWriter(scene.database, Bucket.SOURCES, install="mine", owner="ann") as writer:
        writer.write(VIDEO)
        writer.put(writer.seal("a.mp4", {"refs": []}), order="[]")
    scene.clock.now = datetime.now(UTC) + timedelta(hours=2)
    await scene.sweeper().sweep()
    assert [intent["order"] for intent in scene.database["intents"].find()] == ["[]"]
    scene.clock.go(90_000)
    await scene.sweeper().sweep()
    assert scene.counts() == {}


async def test_a_writer_that_lives_keeps_what_it_writes(scene: Scene):
    begun = scene.break_off(Bucket.RESULTS)
    sweeper = scene.sweeper()
    for _ in range(3):
        await sweeper.sweep()
        scene.clock.go(86_400)
        touch = {"$set": {"touchedAt": scene.clock.now}}
        scene.database["intents"].update_one({"_id": begun}, touch)
    assert scene.counts() == {"results.chunks": _STORED_SO_FAR, "intents": 1}


async def test_a_source_that_is_claimed_at_the_last_moment_stays(scene: Scene):
    file = scene.store_source()
    [[seen]] = [page async for page in scene.inventory.files(Bucket.SOURCES)]
    await scene.ledger.claim_source(file.id, "ann", "quick")
    assert not await scene.removal.remove(seen, NOW)
    assert scene.counts() == {"sources.files": 1, "sources.chunks": 2}


async def test_what_is_too_much_at_once_is_left_and_told(scene: Scene):
    for _ in range(11):
        scene.store_source("forgotten")
    for number in range(98):
        scene.add_conversion(f"u{number}")
        scene.store_result(f"u{number}")
    careful, bold = scene.sweeper(), scene.sweeper(limit_percent=100)
    await careful.sweep()
    scene.clock.go(86_400)

    stopped = await careful.sweep()
    assert (stopped.due, stopped.removed, careful.stops) == (11, 0, 1)
    registry = CollectorRegistry()
    registry.register(SweepCensus(careful))
    assert registry.get_sample_value("soundstrip_sweep_stops_total") == 1
    assert registry.get_sample_value("soundstrip_stored_files", {"kind": "due"}) == 11
    assert scene.counts()["sources.files"] == 11
    told = await bold.sweep()
    assert (told.removed, bold.stops) == (11, 0)
    assert scene.counts() == {"results.files": 98, "results.chunks": 98}


async def test_chunks_that_nothing_tells_of_are_counted_and_left(scene: Scene):
    old = ObjectId.from_datetime(NOW - timedelta(days=9))
    scene.database["sources.chunks"].insert_one({"files_id": old, "n": 0, "data": b"x"})
    scene.store_source("forgotten")
    sweeper = scene.sweeper()
    for _ in range(2):
        assert (await sweeper.sweep()).orphans == 1
        scene.clock.go(86_400)
    assert scene.counts() == {"sources.chunks": 1}


async def test_while_not_all_conversions_are_known_nothing_is_touched(scene: Scene):
    scene.store_source("forgotten")
    before, scene.sees_all = scene.state(), False
    with pytest.raises(Retry):
        await scene.sweeper(source_retention=0.0).sweep()
    assert scene.state() == before


def ended(**conditions: str) -> dict[str, Any]:
    told = [condition(kind, value, "Succeeded") for kind, value in conditions.items()]
    return {"status": {"observedGeneration": 1, "conditions": told}}


async def test_files_past_their_retention_go_unless_an_unfinished_conversion_uses_them(
    scene: Scene,
):
    scene.add_conversion("done", **ended(Succeeded="True", Finished="True", Notified="True"))
    scene.add_conversion("untold", **ended(Succeeded="True", Finished="True", Notified="False"))
    scene.add_conversion("running", status=accepted_status())
    await scene.archive_conversion("archived")
    scene.store_source("archived", "done")
    kept = {scene.store_source("done", "running").id, scene.store_source("untold").id}
    unclaimed = scene.store_source()
    scene.add_conversion("new", unclaimed.id)
    scene.store_source(install="another")
    heard = {uid: scene.store_result(uid).id for uid in ("done", "archived", "running")}
    scene.store_result("stranger", install="another")

    def left(collection: str) -> set[str]:
        mine = {"metadata.install": "mine"}
        return {str(file["_id"]) for file in scene.database[collection].find(mine)}

    results_first = await scene.sweeper(result_retention=3600.0, source_retention=9000.0).sweep()
    assert results_first.expired == 2
    assert left("results.files") == {heard["running"]}
    assert len(left("sources.files")) == 4
    then_sources = await scene.sweeper(source_retention=3600.0).sweep()
    assert then_sources.expired == 1
    assert left("sources.files") == {*kept, unclaimed.id}
    assert scene.counts() == {
        "sources.files": 4,
        "sources.chunks": 8,
        "results.files": 2,
        "results.chunks": 2,
    }


async def test_a_removal_that_is_killed_anywhere_is_finished_by_the_sweep(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    living = scene.state()
    scene.store_source("forgotten")
    scene.store_result("forgotten")
    blobs = [
        blob for bucket in Bucket async for page in scene.inventory.files(bucket) for blob in page
    ]
    for blob in blobs:
        await kill_before_the_chunks_go(scene.removal, blob, monkeypatch)
    assert scene.counts() == {"sources.chunks": 2, "results.chunks": 1, "intents": 2}
    sweeper = scene.sweeper()
    for _ in range(2):
        await sweeper.sweep()
        scene.clock.go(86_400)
    assert scene.state() == living


async def kill_before_the_chunks_go(
    removal: Removal, blob: Blob, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    remove: Callable[..., Any] = removal._remove_document

    async def remove_and_die(*arguments: Any) -> None:
        await remove(*arguments)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(removal, "_remove_document", remove_and_die)
        with pytest.raises(Killed):
            await removal.remove(blob, NOW)


async def test_an_administrator_s_call_is_heard_once_and_its_outcome_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sweeper_module, "_LISTEN_SECONDS", 0.05)
    scene.store_source()
    Sweeps(scene.database, "mine").request("root")
    assert await scene.calls.is_wanted()
    running = asyncio.create_task(scene.sweeper().run(Workqueue(workers=1), 3600.0))
    try:
        outcome = Sweeps(scene.database, "mine")
        await asyncio.to_thread(wait_until, lambda: "finishedAt" in outcome.latest(), "it sweeps")
    finally:
        running.cancel()
    told = Sweeps(scene.database, "mine").latest()
    assert (told["tally"]["total"], told["tally"]["removed"], told["stopped"]) == (1, 0, False)
    assert told["requestedBy"] == "root"
    assert not await scene.calls.is_wanted()
    assert scene.marks() == 1


async def test_a_call_takes_no_brake_off(scene: Scene):
    for _ in range(12):
        scene.store_source()
    await scene.sweeper(floor=1).sweep()
    scene.clock.now += timedelta(days=2)
    Sweeps(scene.database, "mine").request("root")
    await scene.sweeper(floor=1).sweep()
    told = Sweeps(scene.database, "mine").latest()
    assert (told["tally"]["due"], told["tally"]["removed"], told["stopped"]) == (12, 0, True)
