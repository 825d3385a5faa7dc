"""How fast bytes go into GridFS, beside the driver's own way."""

import os
import time
from collections.abc import Callable

from gridfs import GridFSBucket
from hack.bench.mongod import run_mongod

from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.gridfs import FileWriter
from soundstrip_storage.layout import Bucket
from soundstrip_storage.setup import set_up_collections

_SIZE = 256 * 10**6
_PIECE = 1 << 16
"""Bytes that a web server hands over at once."""


def time_storage(runs: int) -> dict[str, list[float]]:
    """Return MB/s of each way, run by run, in turn; one more run of each comes first, uncounted."""
    with run_mongod() as mongod:
        database = connect(mongod.uri, "bench", application="bench")
        set_up_collections(database)
        data = memoryview(os.urandom(_SIZE))
        ways = {"Soundstrip": _write_own, "pymongo's GridFSBucket": _write_by_driver}
        rounds = [_time_round(ways, database, data) for _ in range(runs + 1)][1:]
    return {name: [one[name] for one in rounds] for name in ways}


Way = Callable[[Documents, memoryview], None]


def _time_round(ways: dict[str, Way], database: Documents, data: memoryview) -> dict[str, float]:
    speeds = {}
    for name, way in ways.items():
        start = time.perf_counter()
        way(database, data)
        speeds[name] = _SIZE / 1e6 / (time.perf_counter() - start)
        for collection in (Bucket.SOURCES.files, Bucket.SOURCES.chunks):
            database[collection].delete_many({})
    return speeds


def _write_own(database: Documents, data: memoryview) -> None:
    with FileWriter(database, Bucket.SOURCES, install="bench", owner="bench") as writer:
        for start in range(0, len(data), _PIECE):
            writer.write(data[start : start + _PIECE])
        writer.finish("bench.mp4", {"refs": []})


def _write_by_driver(database: Documents, data: memoryview) -> None:
    bucket = GridFSBucket(database, Bucket.SOURCES)
    with bucket.open_upload_stream("bench.mp4") as stream:
        for start in range(0, len(data), _PIECE):
            stream.write(bytes(data[start : start + _PIECE]))
