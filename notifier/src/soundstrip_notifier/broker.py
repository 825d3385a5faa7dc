"""RabbitMQ, by pika: connecting, declaring, publishing with confirms."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from soundstrip_crds.topology import declare_queue
from soundstrip_notifier.errors import Unavailable
from soundstrip_notifier.outcome import Bury, Delay, clear_headers, mark_headers

HEARTBEAT_SECONDS = 30
CONNECT_SECONDS = 10
BLOCKED_SECONDS = 60
"""How long RabbitMQ may hold back what is published, for want of memory or disk."""

_DEFAULT_EXCHANGE = ""


@dataclass(frozen=True)
class Message:
    """A message as it came; what is put aside keeps its body and properties."""

    tag: int
    body: bytes
    properties: pika.BasicProperties


def retry_queue(queue: str, seconds: int) -> str:
    """Name the queue in which messages of this queue wait for so long."""
    return f"{queue}.retry.{seconds}"


def connection_parameters(
    *, uri: str | None, host: str, port: int, user: str, password: str
) -> pika.ConnectionParameters:
    """Return where and how to connect; the URI wins over the single values.

    The URI may set `heartbeat`, in seconds.

    Raises:
        ValueError: the URI is none.
    """
    parameters: pika.ConnectionParameters = (
        pika.URLParameters(uri)
        if uri
        else pika.ConnectionParameters(
            host=host, port=port, credentials=pika.PlainCredentials(user, password)
        )
    )
    if parameters.heartbeat is None:
        parameters.heartbeat = HEARTBEAT_SECONDS
    parameters.socket_timeout = CONNECT_SECONDS
    parameters.stack_timeout = CONNECT_SECONDS + 5
    parameters.blocked_connection_timeout = BLOCKED_SECONDS
    parameters.connection_attempts = 1
    parameters.client_properties = {"connection_name": "soundstrip-notifier"}
    return parameters


@contextmanager
def translated() -> Iterator[None]:
    """Turn what pika raises when RabbitMQ is away or refuses into `Unavailable`."""
    try:
        yield
    except (AMQPError, AMQPConnectorException, OSError) as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise Unavailable(f"RabbitMQ: {reason}") from error


@contextmanager
def connected(
    parameters: pika.ConnectionParameters,
) -> Iterator[tuple[BlockingConnection, BlockingChannel]]:
    """Connect for the block's time; the channel confirms what is published."""
    connection = BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        yield connection, channel
    finally:
        if connection.is_open:
            connection.close()


def declare(channel: BlockingChannel, queue: str, delays: Sequence[int]) -> None:
    """Declare what stands between operator and notifier, and the delay queues."""
    declare_queue(channel, queue)
    for seconds in sorted(set(delays)):
        channel.queue_declare(
            retry_queue(queue, seconds),
            durable=True,
            arguments={
                "x-queue-type": "classic",
                "x-message-ttl": seconds * 1000,
                "x-dead-letter-exchange": _DEFAULT_EXCHANGE,
                "x-dead-letter-routing-key": queue,
            },
        )


def put_aside(
    channel: BlockingChannel, message: Message, queue: str, delay: Delay, milliseconds: int
) -> None:
    """Return when RabbitMQ has the message safe in a delay queue, to come back in time."""
    properties = _copy(message.properties)
    properties.headers = mark_headers(properties.headers, delay.attempts, delay.reason)
    properties.expiration = str(milliseconds)
    _publish(channel, _DEFAULT_EXCHANGE, retry_queue(queue, delay.seconds), message, properties)


def bury(channel: BlockingChannel, message: Message, exchange: str, queue: str, end: Bury) -> None:
    """Return when RabbitMQ has the message safe in the dead queue, marked with the reason."""
    properties = _copy(message.properties)
    properties.headers = mark_headers(properties.headers, end.attempts, end.reason)
    _publish(channel, exchange, queue, message, properties)


def send_back(channel: BlockingChannel, message: Message, queue: str) -> None:
    """Return when RabbitMQ has the message safe in its queue again, as if it were new."""
    properties = _copy(message.properties)
    properties.headers = clear_headers(properties.headers)
    _publish(channel, _DEFAULT_EXCHANGE, queue, message, properties)


def _copy(properties: pika.BasicProperties) -> pika.BasicProperties:
    """Return the properties without an expiration, and without a user that may not be us."""
    kept = {
        name: getattr(properties, name)
        for name in (
            "content_type",
            "content_encoding",
            "headers",
            "priority",
            "correlation_id",
            "message_id",
            "timestamp",
            "type",
            "app_id",
        )
    }
    return pika.BasicProperties(**kept, delivery_mode=pika.DeliveryMode.Persistent.value)


def _publish(
    channel: BlockingChannel,
    exchange: str,
    key: str,
    message: Message,
    properties: pika.BasicProperties,
) -> None:
    channel.basic_publish(exchange, key, message.body, properties, mandatory=True)
