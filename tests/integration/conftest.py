"""Real servers, one of each for a test run, and a fresh corner of each for every test."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
import requests
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from tests.auths import auth_database, auth_directory  # noqa: F401 - fixtures
from tests.containers import Server, container
from tests.databases import MYSQL_PASSWORD, MySql, mysql_answers, mysql_database
from tests.gateways import (  # noqa: F401 - fixtures
    ann,
    bob,
    gateway,
    shared_gateway,
    shared_stage,
    stage,
)
from tests.kubernetes import Corner, Namespace, fresh_namespace
from tests.operators import (  # noqa: F401 - fixtures
    api,
    database,
    failing,
    kubelet,
    operator,
    stores,
    upload,
)
from tests.waiting import wait_until

_PASSWORD = secrets.token_hex(16)
_CRDS = Path(__file__).parents[2] / "crds"


@pytest.fixture(scope="session")
def mongo_server() -> Iterator[Server]:
    environment = {
        "MONGO_INITDB_ROOT_USERNAME": "root",
        "MONGO_INITDB_ROOT_PASSWORD": _PASSWORD,
    }
    with container("mongo:8.0", 27017, environment=environment) as server:
        wait_until(lambda: _mongo_answers(server), f"mongod answers\n{server.logs()}")
        yield server


@pytest.fixture(scope="session")
def mongo_uri(mongo_server: Server) -> str:
    return _mongo_uri(mongo_server)


@pytest.fixture
def mongo_database(mongo_uri: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    yield name
    with MongoClient[dict[str, object]](mongo_uri) as client:
        client.drop_database(name)


def _mongo_uri(server: Server) -> str:
    return f"mongodb://root:{_PASSWORD}@127.0.0.1:{server.port}/?authSource=admin"


def _mongo_answers(server: Server) -> bool:
    uri = _mongo_uri(server)
    try:
        with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=2000) as client:
            return bool(client.admin.command("ping"))
    except PyMongoError:
        return False


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[Server]:
    environment = {"MYSQL_ROOT_PASSWORD": MYSQL_PASSWORD}
    arguments = ["mysqld", "--performance-schema=OFF", "--innodb-buffer-pool-size=32M"]
    arguments += ["--skip-log-bin", "--innodb-flush-log-at-trx-commit=0"]  # no wait for a disk
    with container("mysql:8.4", 3306, environment=environment, arguments=arguments) as server:
        wait_until(lambda: mysql_answers(server), "mysqld answers", seconds=300)
        yield server


@pytest.fixture
def mysql(mysql_server: Server) -> Iterator[MySql]:
    with mysql_database(mysql_server) as mysql:
        yield mysql


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[Server]:
    environment = {"RABBITMQ_DEFAULT_USER": "guest", "RABBITMQ_DEFAULT_PASS": _PASSWORD}
    with container("rabbitmq:4.0-management", 5672, 15672, environment=environment) as server:
        wait_until(lambda: _rabbitmq_answers(server), "RabbitMQ answers", seconds=300)
        yield server


@pytest.fixture
def amqp_url(rabbitmq_server: Server) -> Iterator[str]:
    vhost = f"test-{secrets.token_hex(6)}"
    _manage(rabbitmq_server, "PUT", f"vhosts/{vhost}")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    _manage(rabbitmq_server, "PUT", f"permissions/{vhost}/guest", everything)
    yield _amqp_url(rabbitmq_server, vhost)
    _manage(rabbitmq_server, "DELETE", f"vhosts/{vhost}")


def _manage(server: Server, method: str, path: str, body: object = None) -> None:
    url = f"http://127.0.0.1:{server.published(15672)}/api/{path}"
    account = ("guest", _PASSWORD)
    requests.request(method, url, json=body, auth=account, timeout=60).raise_for_status()


def _amqp_url(server: Server, vhost: str) -> str:
    return f"amqp://guest:{_PASSWORD}@127.0.0.1:{server.port}/{vhost}"


def _rabbitmq_answers(server: Server) -> bool:
    parameters = pika.URLParameters(_amqp_url(server, "%2F") + "?socket_timeout=10")
    try:
        _manage(server, "GET", "overview")
        pika.BlockingConnection(parameters).close()
    except (pika.exceptions.AMQPError, AMQPConnectorException, OSError):
        return False
    return True


@pytest.fixture(scope="session")
def crd() -> None:
    namespace = Namespace("default")
    crds = f"--filename={_CRDS}"
    namespace.kubectl("apply", "--server-side", "--force-conflicts", crds)
    namespace.kubectl("wait", "--for=condition=Established", crds, "--timeout=120s")


@pytest.fixture
def kube(crd: None) -> Iterator[Corner]:
    with fresh_namespace() as namespace:
        yield namespace


@pytest.fixture(scope="module")
def shared_kube(crd: None) -> Iterator[Corner]:
    """One namespace for a module's tests, which leave nothing in it."""
    with fresh_namespace() as namespace:
        yield namespace


@pytest.fixture
def corner(shared_kube: Corner) -> Iterator[Corner]:
    """The same, emptied after each test."""
    yield shared_kube
    shared_kube.clear()
