"""Replay: what was given up is tried again from the start."""

import pika

from soundstrip_crds.topology import dead_queue
from soundstrip_notifier.broker import Message, connected, declare, send_back, translated


def replay_dead(parameters: pika.ConnectionParameters, queue: str) -> int:
    """Move the messages of the dead queue back to the queue and return how many there were.

    Only as many as lay there at the start: one that dies again meanwhile is not moved again. Each
    is confirmed in the queue before it leaves the dead queue, so none is lost.

    Raises:
        Unavailable: RabbitMQ is away or went away; what was moved until then stays moved.
    """
    with translated(), connected(parameters) as (_, channel):
        declare(channel, queue, ())
        dead = dead_queue(queue)
        waiting = channel.queue_declare(dead, passive=True).method.message_count
        for moved in range(waiting):
            method, properties, body = channel.basic_get(dead)
            if method is None:
                return moved
            send_back(channel, Message(method.delivery_tag, body, properties), queue)
            channel.basic_ack(method.delivery_tag)
        return int(waiting)
