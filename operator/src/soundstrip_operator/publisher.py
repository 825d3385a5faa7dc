"""RabbitMQ: persistent, mandatory, confirmed; pika in one thread of its own.

pika's blocking connection bounds every wait but that for a confirm, so the caller bounds that one
and lets the thread go: a fresh one takes its place.
"""

import asyncio
import queue
import threading
from dataclasses import dataclass

import msgspec
import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPError

from soundstrip_crds.events import CONTENT_TYPE, EXCHANGE, CloudEvent, routing_key
from soundstrip_crds.topology import declare_queue

log = structlog.get_logger("soundstrip.publisher")

_WAIT_SECONDS = 20.0
_IDLE_SECONDS = 10.0
_BROKER_SECONDS = 5.0
_PERSISTENT = 2

_AWAY = (AMQPError, AMQPConnectorException, OSError)
"""A broker that accepts a connection and then says nothing raises the second, no AMQPError."""


class PublishFailed(Exception):
    """The broker did not confirm; the event may have been taken all the same."""


def broker_parameters(
    *, uri: str | None, host: str, port: int, user: str, password: str
) -> pika.ConnectionParameters:
    """Return RabbitMQ's address with a bound on every wait; the uri wins over the others."""
    parameters = (
        pika.URLParameters(uri)
        if uri
        else pika.ConnectionParameters(
            host=host, port=port, credentials=pika.PlainCredentials(user, password)
        )
    )
    parameters.socket_timeout = _BROKER_SECONDS
    parameters.stack_timeout = 2 * _BROKER_SECONDS
    parameters.blocked_connection_timeout = 2 * _BROKER_SECONDS
    parameters.connection_attempts = 1
    parameters.heartbeat = 30
    return parameters


@dataclass(frozen=True)
class _Order:
    event: CloudEvent
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop

    def settle(self, error: Exception | None) -> None:
        self.loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Publisher:
    """Publishes one event at a time."""

    def __init__(
        self, parameters: pika.ConnectionParameters, queue_name: str, wait: float = _WAIT_SECONDS
    ) -> None:
        """Take the broker, the queue that must stand before an event goes, and a bound in seconds.

        The bound is for one event; the broker's address must bound its connection by itself.
        """
        self._wait = wait
        self._parameters = parameters
        self._queue_name = queue_name
        self._worker: _Worker | None = None

    async def publish(self, event: CloudEvent) -> None:
        """Return when the broker has confirmed the event and routed it to a queue.

        Raises:
            PublishFailed: Within the bound.
        """
        worker = self._worker or _Worker(self._parameters, self._queue_name)
        self._worker = worker
        loop = asyncio.get_running_loop()
        order = _Order(event, loop.create_future(), loop)
        worker.orders.put(order)
        try:
            await asyncio.wait_for(order.done, self._wait)
        except TimeoutError as error:
            self._abandon(worker)
            raise PublishFailed("RabbitMQ did not confirm in time") from error

    def close(self) -> None:
        """Let the connection end."""
        if self._worker is not None:
            self._abandon(self._worker)

    def _abandon(self, worker: "_Worker") -> None:
        worker.orders.put(None)
        if self._worker is worker:
            self._worker = None


class _Worker:
    """The thread and its connection; it opens one when it needs one, and keeps its heartbeat."""

    def __init__(self, parameters: pika.ConnectionParameters, queue_name: str) -> None:
        self.orders: queue.Queue[_Order | None] = queue.Queue()
        self._parameters = parameters
        self._queue_name = queue_name
        self._channel: BlockingChannel | None = None
        threading.Thread(target=self._run, name="publisher", daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                order = self.orders.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                self._beat()
                continue
            if order is None:
                self._close()
                return
            self._serve(order)

    def _serve(self, order: _Order) -> None:
        try:
            self._publish(order.event)
        except _AWAY as error:
            self._close()
            order.settle(PublishFailed(f"RabbitMQ did not take it ({type(error).__name__})"))
        except Exception as error:  # noqa: BLE001 - the caller gets it; the thread serves on
            self._close()
            order.settle(error)
        else:
            order.settle(None)

    def _publish(self, event: CloudEvent) -> None:
        self._beat()
        if self._channel is None:
            self._channel = self._open()
        self._channel.basic_publish(
            exchange=EXCHANGE,
            routing_key=routing_key(event.type),
            body=msgspec.json.encode(event),
            properties=pika.BasicProperties(
                content_type=CONTENT_TYPE, delivery_mode=_PERSISTENT, message_id=event.id
            ),
            mandatory=True,
        )

    def _open(self) -> BlockingChannel:
        connection = pika.BlockingConnection(self._parameters)
        channel = connection.channel()
        declare_queue(channel, self._queue_name)
        channel.confirm_delivery()
        log.info("connected to RabbitMQ")
        return channel

    def _beat(self) -> None:
        """Answer heartbeats, and find out whether the connection is still there."""
        if self._channel is None:
            return
        try:
            self._channel.connection.process_data_events(time_limit=0)
        except _AWAY:
            self._close()
        else:
            if self._channel.is_closed:
                self._close()

    def _close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is None:
            return
        try:
            channel.connection.close()
        except _AWAY as error:
            log.info("the connection to RabbitMQ was gone", error=type(error).__name__)
