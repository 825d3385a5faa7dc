"""The consumer: takes messages, has them handled by threads, and settles each when it is done.

pika's connection belongs to one thread. That thread does nothing but serve it, so heartbeats are
answered however long a mail server takes; the handling happens in a pool, which hands its decision
back by `add_callback_threadsafe`. What RabbitMQ did not get settled it delivers again.
"""

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, assert_never

import pika
import structlog
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ConnectionWrongStateError, ConsumerCancelled

from soundstrip_crds.events import DEAD_LETTER_EXCHANGE
from soundstrip_notifier.backoff import expiration_milliseconds, reconnect_delays
from soundstrip_notifier.broker import Message, bury, connected, declare, put_aside, translated
from soundstrip_notifier.errors import Unavailable
from soundstrip_notifier.outcome import (
    Acknowledge,
    Bury,
    Delay,
    Failed,
    Outcome,
    Settlement,
    count_attempts,
    decide,
)

PREFETCH = 4
"""Messages in hand at once: a mail server's latency is hidden, and few are delivered again."""

_TICK_SECONDS = 1.0

log = structlog.get_logger("soundstrip.notifier")


class Consumer:
    """Consumes one queue for as long as it is not told to stop, whatever RabbitMQ does."""

    def __init__(
        self,
        parameters: pika.ConnectionParameters,
        queue: str,
        delays: Sequence[int],
        handle: Callable[[bytes], Outcome],
    ) -> None:
        self._parameters = parameters
        self._queue = queue
        self._delays = tuple(delays)
        self._handle = handle
        self._stop = threading.Event()
        self._consuming = threading.Event()
        self._pool = ThreadPoolExecutor(PREFETCH, thread_name_prefix="delivery")
        self._in_hand: set[int] = set()

    def run(self) -> None:
        """Consume, and connect again with backoff whenever the connection is lost."""
        delays = reconnect_delays(random.random)
        while not self._stop.is_set():
            try:
                with translated():
                    self._consume()
            except Unavailable as error:
                log.warning("not consuming", reason=str(error))
            if self._consuming.is_set():
                delays = reconnect_delays(random.random)
            self._consuming.clear()
            self._stop.wait(next(delays))

    def stop(self) -> None:
        """Take no more messages, and return from `run` when those in hand are settled."""
        self._stop.set()

    def check(self) -> None:
        """Return if messages are being consumed.

        Raises:
            Unavailable: they are not.
        """
        if not self._consuming.is_set():
            raise Unavailable(f"The queue {self._queue} is not being consumed.")

    def _consume(self) -> None:
        with connected(self._parameters) as (connection, channel):
            declare(channel, self._queue, self._delays)
            channel.basic_qos(prefetch_count=PREFETCH)
            self._in_hand = set()
            tag = channel.basic_consume(self._queue, partial(self._take, connection))
            self._consuming.set()
            log.info("consuming", queue=self._queue)
            while not self._stop.is_set():
                connection.process_data_events(_TICK_SECONDS)
                _expect_consumer(channel)
            channel.basic_cancel(tag)
            while self._in_hand:
                connection.process_data_events(_TICK_SECONDS)

    def _take(
        self,
        connection: BlockingConnection,
        channel: BlockingChannel,
        method: Any,  # noqa: ANN401 - pika is untyped
        properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        message = Message(method.delivery_tag, body, properties)
        self._in_hand.add(message.tag)
        self._pool.submit(self._work, connection, channel, message, self._in_hand)

    def _work(
        self,
        connection: BlockingConnection,
        channel: BlockingChannel,
        message: Message,
        in_hand: set[int],
    ) -> None:
        """Handle one message, in a thread of the pool."""
        structlog.contextvars.clear_contextvars()
        outcome = self._judge(message.body)
        attempts = count_attempts(message.properties.headers)
        settlement = decide(outcome, attempts, self._delays)
        _report(outcome, settlement)
        settle = partial(self._settle, channel, message, settlement, in_hand)
        with suppress(ConnectionWrongStateError):  # it is gone: RabbitMQ delivers again
            connection.add_callback_threadsafe(settle)

    def _judge(self, body: bytes) -> Outcome:
        try:
            return self._handle(body)
        except Exception as error:
            log.exception("a message could not be handled")
            return Failed(f"a fault of the notifier itself: {type(error).__name__}")

    def _settle(
        self, channel: BlockingChannel, message: Message, settlement: Settlement, in_hand: set[int]
    ) -> None:
        """Do what was decided, in the connection's thread; acknowledge when it is confirmed."""
        match settlement:
            case Acknowledge():
                pass
            case Delay(seconds):
                lifetime = expiration_milliseconds(seconds, random.random)
                put_aside(channel, message, self._queue, settlement, lifetime)
            case Bury():
                bury(channel, message, DEAD_LETTER_EXCHANGE, self._queue, settlement)
            case _:
                assert_never(settlement)
        channel.basic_ack(message.tag)
        in_hand.discard(message.tag)


def _expect_consumer(channel: BlockingChannel) -> None:
    """Raise what pika does not raise by itself: the queue was deleted, the channel closed."""
    if not channel.is_open or not channel.consumer_tags:
        raise ConsumerCancelled


def _report(outcome: Outcome, settlement: Settlement) -> None:
    match settlement:
        case Acknowledge():
            log.info("settled", how=getattr(outcome, "how", ""))
        case Delay(seconds, attempts, reason):
            log.warning("put aside", seconds=seconds, attempts=attempts, reason=reason)
        case Bury(attempts, reason):
            log.error("buried in the dead queue", attempts=attempts, reason=reason)
        case _:
            assert_never(settlement)
