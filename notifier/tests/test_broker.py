"""RabbitMQ away in all its ways is the world's fault, never a crash."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pika
import pytest
from tests.processes import free_port

from soundstrip_notifier.broker import connected, connection_parameters, translated
from soundstrip_notifier.errors import Unavailable


@contextmanager
def greeting(reply: bytes | None) -> Iterator[int]:
    """Listen, and answer whoever connects with these bytes, or with silence."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(8)
                if reply is None:
                    client.recv(1)
                else:
                    client.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


def parameters(host: str, port: int, scheme: str = "amqp") -> pika.ConnectionParameters:
    uri = f"{scheme}://guest:secret@{host}:{port}/"
    made = connection_parameters(uri=uri, host="", port=0, user="", password="")
    made.stack_timeout = made.socket_timeout = 0.5
    return made


def assert_unavailable(made: pika.ConnectionParameters) -> None:
    with pytest.raises(Unavailable) as raised, translated(), connected(made):
        pass
    assert "secret" not in str(raised.value)


def test_a_closed_port_is_rabbitmq_away():
    assert_unavailable(parameters("127.0.0.1", free_port()))


def test_an_unknown_host_is_rabbitmq_away():
    assert_unavailable(parameters("rabbitmq.invalid", 5672))


@pytest.mark.parametrize("scheme", ["amqp", "amqps"])
@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"AMQP\x00\x01\x00\x00", None]
)
def test_a_server_that_is_no_rabbitmq_is_rabbitmq_away(reply: bytes | None, scheme: str):
    with greeting(reply) as port:
        assert_unavailable(parameters("127.0.0.1", port, scheme))


def test_the_single_values_are_used_where_no_uri_is_given():
    made = connection_parameters(uri=None, host="mq", port=1234, user="me", password="it")
    assert (made.host, made.port, made.virtual_host) == ("mq", 1234, "/")
    assert (made.credentials.username, made.heartbeat) == ("me", 30)


def test_a_uri_may_set_the_heartbeat():
    made = connection_parameters(
        uri="amqp://mq/%2F?heartbeat=7", host="", port=0, user="", password=""
    )
    assert made.heartbeat == 7
