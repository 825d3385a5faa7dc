"""What stands on RabbitMQ between operator and notifier: both declare it, whoever comes first.

RabbitMQ refuses a declaration that differs from what stands, so it is stated here once.
"""

from typing import Protocol

from soundstrip_crds.events import BINDING_KEY, DEAD_LETTER_EXCHANGE, EXCHANGE


class Channel(Protocol):
    """The part of an open AMQP channel that declares; pika's BlockingChannel has it."""

    def exchange_declare(self, exchange: str, exchange_type: str, *, durable: bool) -> object:
        """Declare the exchange, or check that it stands just so."""

    def queue_declare(
        self, queue: str, *, durable: bool, arguments: dict[str, str | int]
    ) -> object:
        """Declare the queue, or check that it stands just so."""

    def queue_bind(self, queue: str, exchange: str, routing_key: str) -> object:
        """Bind the queue; binding it twice is one binding."""


def dead_queue(queue: str) -> str:
    """Name the queue of the messages that this queue's consumer gave up."""
    return f"{queue}.dead"


def queue_arguments(queue: str) -> dict[str, str | int]:
    """Return the arguments of a queue of events: what is rejected goes to its dead queue.

    One consumer at a time gets messages, however many are connected: a second notifier stands by,
    and never sends the mail that the first is sending.
    """
    return {
        "x-queue-type": "classic",
        "x-single-active-consumer": True,
        "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
        "x-dead-letter-routing-key": queue,
    }


def declare_queue(channel: Channel, queue: str) -> None:
    """Declare both exchanges, the queue and its dead queue, all durable, and bind both queues.

    The dead queue comes first: a message must never be rejected into nothing.
    """
    channel.exchange_declare(DEAD_LETTER_EXCHANGE, "direct", durable=True)
    channel.queue_declare(dead_queue(queue), durable=True, arguments={"x-queue-type": "classic"})
    channel.queue_bind(dead_queue(queue), DEAD_LETTER_EXCHANGE, queue)
    channel.exchange_declare(EXCHANGE, "topic", durable=True)
    channel.queue_declare(queue, durable=True, arguments=queue_arguments(queue))
    channel.queue_bind(queue, EXCHANGE, BINDING_KEY)
