"""A mongod to measure: on loopback, and as directly reached as a pod reaches another."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pymongo.errors import PyMongoError
from tests.containers import container_on_host, docker
from tests.processes import free_port
from tests.waiting import wait_until

from soundstrip_storage.connection import connect


@dataclass(frozen=True)
class RunningMongod:
    """Where it is, its administrator's credentials included, and its process id."""

    uri: str
    pid: int


@contextmanager
def run_mongod() -> Iterator[RunningMongod]:
    """Run a mongod until the block ends; its data go with it."""
    password, port = secrets.token_hex(16), free_port()
    environment = {"MONGO_INITDB_ROOT_USERNAME": "root", "MONGO_INITDB_ROOT_PASSWORD": password}
    words = ["mongod", "--bind_ip=127.0.0.1", f"--port={port}"]
    with container_on_host("mongo:8.0", environment=environment, arguments=words) as name:
        uri = f"mongodb://root:{password}@127.0.0.1:{port}/?authSource=admin"
        wait_until(lambda: _answers(uri), "mongod answers", seconds=60)
        yield RunningMongod(uri, int(docker("inspect", "--format={{.State.Pid}}", name)))


def _answers(uri: str) -> bool:
    database = connect(uri, "bench", application="bench")
    try:
        return bool(database.command("ping"))
    except PyMongoError:
        return False
    finally:
        database.client.close()
