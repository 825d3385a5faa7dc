"""A real mongod with the sources, and a real RabbitMQ."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import pika
from bson import ObjectId
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pymongo.errors import PyMongoError
from tests.containers import container, docker
from tests.waiting import wait_until

from soundstrip_storage.connection import Documents, connect
from soundstrip_storage.layout import CHUNK_SIZE, Bucket
from soundstrip_storage.setup import set_up_collections

OWNER = "u1"
_DATABASE = "bench"


@contextmanager
def stores(sources: int, core: int) -> Iterator[Mapping[str, str]]:
    """Run both on one core; what is given back is the operator's environment for them.

    There are so many sources, whose ids are the numbers from 0.
    """
    password = secrets.token_hex(16)
    mongo = {"MONGO_INITDB_ROOT_USERNAME": "root", "MONGO_INITDB_ROOT_PASSWORD": password}
    rabbit = {"RABBITMQ_DEFAULT_USER": "guest", "RABBITMQ_DEFAULT_PASS": password}
    with (
        container("mongo:8.0", 27017, environment=mongo) as mongod,
        container("rabbitmq:4.0-management", 5672, environment=rabbit) as broker,
    ):
        for server in (mongod, broker):
            docker("update", f"--cpuset-cpus={core}", server.name)
        mongo_uri = f"mongodb://root:{password}@127.0.0.1:{mongod.port}/?authSource=admin"
        amqp = f"amqp://guest:{password}@127.0.0.1:{broker.port}/%2F"
        _fill(connect(mongo_uri, _DATABASE, application="bench"), sources)
        wait_until(lambda: _broker_answers(amqp), "RabbitMQ answers", seconds=120)
        yield {"MONGO_URI": mongo_uri, "MONGO_DB": _DATABASE, "RABBITMQ_URI": amqp}


def _fill(database: Documents, sources: int) -> None:
    def answers() -> bool:
        try:
            return bool(database.command("ping"))
        except PyMongoError:
            return False

    wait_until(answers, "mongod answers")
    set_up_collections(database)
    database[Bucket.SOURCES.files].insert_many(_source(number) for number in range(sources))


def _source(number: int) -> dict[str, object]:
    return {
        "_id": ObjectId(f"{number:024x}"),
        "filename": "clip.mp4",
        "length": 1000,
        "chunkSize": CHUNK_SIZE,
        "uploadDate": datetime.now(UTC),
        "metadata": {
            "install": "bench",
            "owner": OWNER,
            "contact": "ann@example.org",
            "sha256": "0" * 64,
            "contentType": "video/mp4",
            "refs": [],
        },
    }


def _broker_answers(uri: str) -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(f"{uri}?socket_timeout=2")).close()
    except (pika.exceptions.AMQPError, AMQPConnectorException, OSError):
        return False
    return True
