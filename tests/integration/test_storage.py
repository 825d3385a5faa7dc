"""GridFS with a real mongod."""

import hashlib
import os
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from pymongo.errors import OperationFailure
from tests.containers import Server
from tests.waiting import wait_until

from soundstrip_storage.connection import Documents, connect, connect_async
from soundstrip_storage.errors import FileDamaged, StorageUnavailable
from soundstrip_storage.estate import Estate
from soundstrip_storage.gridfs import (
    FileWriter,
    find_file,
    find_result,
    read_chunks,
    read_file,
    remove_file,
)
from soundstrip_storage.history import Criteria, History, Order
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.layout import CHUNK_SIZE, Bucket, StoredFile
from soundstrip_storage.ledger import Ledger
from soundstrip_storage.links import LinkStore
from soundstrip_storage.requests import Begun, Mismatch, RequestLog, Underway
from soundstrip_storage.setup import roles, set_up_collections, set_up_user
from soundstrip_storage.usage import Stored, measure

SIZES = [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 33 * CHUNK_SIZE + 17]
COLLECTIONS = [
    "sources.files",
    "sources.chunks",
    "results.files",
    "results.chunks",
    "intents",
]


@pytest.fixture
def database(mongo_uri: str, mongo_database: str) -> Documents:
    database = connect(mongo_uri, mongo_database, application="tests")
    set_up_collections(database)
    return database


@pytest_asyncio.fixture
async def ledger(mongo_uri: str, mongo_database: str) -> AsyncIterator[Ledger]:
    database = connect_async(mongo_uri, mongo_database, application="tests")
    yield Ledger(database)
    await database.client.close()


def store_source(database: Documents, data: bytes = b"video", owner: str = "ann") -> StoredFile:
    metadata = {"contact": None, "contentType": "video/mp4", "refs": []}
    with FileWriter(database, Bucket.SOURCES, install="i", owner=owner) as writer:
        writer.write(data)
        file = writer.finish("a.mp4", metadata)
    settle_intent(database, file.id)
    return file


def store_result(database: Documents, data: bytes, uid: str = "u1") -> StoredFile:
    metadata = {"conversionUid": uid, "run": 1, "contentType": "audio/mpeg"}
    with FileWriter(database, Bucket.RESULTS, install="i", owner="ann") as writer:
        writer.write(data)
        file = writer.finish("a.mp3", metadata)
    settle_intent(database, file.id)
    return file


def count_documents(database: Documents) -> dict[str, int]:
    counts = {name: database[name].count_documents({}) for name in COLLECTIONS}
    return {name: count for name, count in counts.items() if count}


def wait_for_chunks(database: Documents, count: int) -> None:
    """Wait for chunks that are stored while their writer goes on."""
    wait_until(lambda: count_documents(database).get("sources.chunks") == count, "chunks arrive")


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_in_odd_pieces_is_read_back(database: Documents, size: int):
    data = os.urandom(size)
    with FileWriter(database, Bucket.SOURCES, install="i", owner="ann") as writer:
        for start in range(0, size, 100_003):
            writer.write(memoryview(data)[start : start + 100_003])
        file = writer.finish("a.mp4", {"refs": []})
    assert b"".join(read_file(database, Bucket.SOURCES, file)) == data
    assert (file.length, file.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert find_file(database, Bucket.SOURCES, file.id) == StoredFile.parse(
        database["sources.files"].find_one({}) or {}
    )


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 1), (5, CHUNK_SIZE), (CHUNK_SIZE - 1, CHUNK_SIZE + 1), (CHUNK_SIZE, None), (7, 7)],
)
def test_any_range_can_be_read(database: Documents, start: int, stop: int | None):
    data = os.urandom(2 * CHUNK_SIZE + 9)
    file = store_source(database, data)
    assert b"".join(read_file(database, Bucket.SOURCES, file, start, stop)) == data[start:stop]


@pytest.mark.parametrize("numbers", [[], [0], [1, 3, 4], [5], range(6)])
def test_some_chunks_can_be_read(database: Documents, numbers: Sequence[int]):
    data = os.urandom(5 * CHUNK_SIZE + 9)
    file = store_source(database, data)
    wanted = [data[n * CHUNK_SIZE : (n + 1) * CHUNK_SIZE] for n in numbers]
    assert list(read_chunks(database, Bucket.SOURCES, file, numbers)) == wanted


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_chunk_that_is_not_there_cannot_be_read(database: Documents, number: int):
    file = store_source(database, os.urandom(3 * CHUNK_SIZE))
    database["sources.chunks"].delete_one({"n": number})
    with pytest.raises(FileDamaged, match=f"chunk {number}"):
        list(read_chunks(database, Bucket.SOURCES, file, [number]))


def test_a_chunk_of_another_length_cannot_be_read(database: Documents):
    file = store_source(database, os.urandom(3 * CHUNK_SIZE))
    database["sources.chunks"].update_one({"n": 1}, {"$set": {"data": b"short"}})
    with pytest.raises(FileDamaged, match="chunk 1"):
        list(read_chunks(database, Bucket.SOURCES, file, [1, 2]))


def test_an_upload_that_breaks_off_leaves_nothing(database: Documents):
    def break_off() -> None:
        with FileWriter(database, Bucket.SOURCES, install="i", owner="ann") as writer:
            writer.write(os.urandom(21 * CHUNK_SIZE))
            wait_for_chunks(database, 16)
            assert count_documents(database)["intents"] == 1
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        break_off()
    assert count_documents(database) == {}


def test_a_missing_chunk_is_damage_and_not_a_shorter_file(database: Documents):
    file = store_source(database, os.urandom(3 * CHUNK_SIZE))
    for n in (2, 0):
        database["sources.chunks"].delete_one({"n": n})
        with pytest.raises(FileDamaged, match=f"chunk {n}"):
            list(read_file(database, Bucket.SOURCES, file))


def test_of_two_results_of_one_run_the_first_wins(database: Documents):
    first = store_result(database, b"first" * CHUNK_SIZE)
    second = store_result(database, b"second" * CHUNK_SIZE)
    assert second == find_result(database, "u1", 1)
    assert second.id == first.id
    assert count_documents(database) == {"results.files": 1, "results.chunks": 5}


def test_a_mover_that_comes_late_from_a_lost_node_stores_nothing_twice(database: Documents):
    metadata = {"conversionUid": "u1", "run": 1, "contentType": "audio/mpeg"}
    with FileWriter(database, Bucket.RESULTS, install="i", owner="ann") as late:
        late.write(os.urandom(21 * CHUNK_SIZE))
        stored = store_result(database, b"by the next try")
        wait_until(lambda: count_documents(database)["results.chunks"] == 17, "they are stored")
        assert late.finish("a.mp3", metadata).id == stored.id
    assert count_documents(database) == {"results.files": 1, "results.chunks": 1}
    assert b"".join(read_file(database, Bucket.RESULTS, stored)) == b"by the next try"


def test_a_file_can_be_removed_twice(database: Documents):
    file = store_source(database)
    remove_file(database, Bucket.SOURCES, file.id)
    remove_file(database, Bucket.SOURCES, file.id)
    assert count_documents(database) == {}


@pytest.mark.parametrize("file_id", ["", "x", "A" * 24, "0" * 24, "0" * 23, "é" * 24, "\0" * 24])
def test_an_unknown_or_malformed_id_is_no_file(database: Documents, file_id: str):
    assert find_file(database, Bucket.SOURCES, file_id) is None


async def test_only_the_owner_claims_a_source(database: Documents, ledger: Ledger):
    file = store_source(database, owner="ann")
    assert await ledger.claim_source(file.id, "bob", "u1") is None
    claimed = await ledger.claim_source(file.id, "ann", "u1")
    assert claimed is not None
    assert claimed.metadata["refs"] == ["u1"]


async def test_a_source_goes_with_its_last_claim(database: Documents, ledger: Ledger):
    file = store_source(database)
    for uid in ("u1", "u2", "u1"):
        await ledger.claim_source(file.id, "ann", uid)
    for uid in ("stranger", "u1", "u1"):
        await ledger.release_source(file.id, uid)
        assert find_file(database, Bucket.SOURCES, file.id)
    await ledger.release_source(file.id, "u2")
    assert count_documents(database) == {}


async def test_who_claimed_nothing_removes_no_source(database: Documents, ledger: Ledger):
    file = store_source(database)
    await ledger.release_source(file.id, "stranger")
    assert find_file(database, Bucket.SOURCES, file.id)


async def test_chunks_of_an_upload_under_way_are_not_orphans(database: Documents, ledger: Ledger):
    with FileWriter(database, Bucket.SOURCES, install="i", owner="ann") as writer:
        writer.write(os.urandom(16 * CHUNK_SIZE))
        wait_for_chunks(database, 16)
        await ledger.release_source(writer.id, "stranger")
        assert count_documents(database)["sources.chunks"] == 16


async def test_a_source_whose_removal_was_cut_short_goes_whole(database: Documents, ledger: Ledger):
    file = store_source(database)
    database["sources.files"].delete_one({})
    await ledger.release_source(file.id, "u1")
    assert count_documents(database) == {}


async def test_removing_results_leaves_no_chunk(database: Documents, ledger: Ledger):
    store_result(database, b"x" * CHUNK_SIZE * 3)
    store_result(database, b"other", uid="u2")
    await ledger.remove_results("u1")
    await ledger.remove_results("u1")
    assert await ledger.find_result("u1", 1) is None
    assert count_documents(database) == {"results.files": 1, "results.chunks": 1}


def test_each_user_may_do_its_own_work_and_no_more(database: Documents, mongo_server: Server):
    by_name = {role.name: role for role in roles()}
    for _ in range(2):
        set_up_user(database, by_name["mover"], "secret")
    uri = f"mongodb://mover:secret@127.0.0.1:{mongo_server.port}/?authSource={database.name}"
    mover = connect(uri, database.name, application="tests")
    file = store_source(database)
    assert find_file(mover, Bucket.SOURCES, file.id)
    assert store_result(mover, b"audio")
    with pytest.raises(OperationFailure):
        mover["sources.files"].delete_one({})
    with pytest.raises(OperationFailure):
        mover["deliveries"].find_one({})


def test_the_gateways_user_may_do_all_that_the_gateway_does(
    database: Documents, mongo_server: Server
):
    [role] = [role for role in roles() if role.name == "gateway"]
    set_up_collections(database)
    set_up_user(database, role, "secret")
    uri = f"mongodb://gateway:secret@127.0.0.1:{mongo_server.port}/?authSource={database.name}"
    gateway = connect(uri, database.name, application="tests")
    requests, links, history = RequestLog(gateway), LinkStore(gateway), History(gateway)
    assert isinstance(requests.begin("key", "print"), Begun)
    assert isinstance(requests.begin("key", "print"), Underway)
    assert isinstance(requests.begin("key", "another"), Mismatch)
    assert links.list("ann", "uid") == []
    assert list(history.select("ann", Criteria(text="x", batch="b"), Order(), None)) == []
    history.replace("ann", "vc-1", "uid")
    assert measure(gateway, Bucket.SOURCES, "ann") == Stored()
    file = store_source(database)
    Estate(gateway).remove("u1", file.id)
    with pytest.raises(OperationFailure):
        gateway["deliveries"].find_one({})


@pytest.mark.parametrize("collection", ["links", "requests"])
def test_what_has_an_end_is_removed_by_the_server(database: Documents, collection: str):
    set_up_collections(database)
    indexes = database[collection].index_information().values()
    assert [i["key"] for i in indexes if i.get("expireAfterSeconds") == 0] == [[("expiresAt", 1)]]


def test_a_server_that_is_away_is_unavailable_and_names_no_password():
    uri = "mongodb://root:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=200"
    away = connect(uri, "soundstrip", application="tests")
    with pytest.raises(StorageUnavailable) as caught:
        find_file(away, Bucket.SOURCES, "0" * 24)
    assert "hunter2" not in str(caught.value)
