"""The operator's publisher against a real RabbitMQ."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pika
import pytest
from tests.containers import Server

from soundstrip_crds.conversion import Owner
from soundstrip_crds.events import CloudEvent, ConversionFinished
from soundstrip_crds.reasons import Reason
from soundstrip_crds.topology import declare_queue
from soundstrip_operator.publisher import Publisher, PublishFailed


def event(number: int) -> CloudEvent:
    return CloudEvent(
        id=f"uid-{number}.1.finished",
        source="/here",
        type="dev.soundstrip.conversion.failed",
        subject="vc-1",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        data=ConversionFinished(
            name="vc-1",
            namespace="soundstrip",
            uid=f"uid-{number}",
            run=1,
            owner=Owner(id="u1", name="Ann"),
            filename="clip.mp4",
            source_file_id="0" * 24,
            reason=Reason.CORRUPT_MEDIA,
            message="It is damaged.",
        ),
    )


@pytest.fixture
def parameters(amqp_url: str) -> pika.ConnectionParameters:
    parameters = pika.URLParameters(amqp_url)
    parameters.socket_timeout = parameters.stack_timeout = 10
    return parameters


@pytest.fixture
def publisher(parameters: pika.ConnectionParameters) -> Iterator[Publisher]:
    publisher = Publisher(parameters, "mp3", wait=10)
    yield publisher
    publisher.close()


def take(parameters: pika.ConnectionParameters) -> list[tuple[pika.BasicProperties, bytes]]:
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    taken = []
    while True:
        method, properties, body = channel.basic_get("mp3", auto_ack=True)
        if method is None:
            connection.close()
            return taken
        taken.append((properties, body))


async def test_an_event_arrives_persistent_and_by_its_id(
    publisher: Publisher, parameters: pika.ConnectionParameters
):
    await publisher.publish(event(1))
    [(properties, body)] = take(parameters)
    assert properties.delivery_mode == 2
    assert properties.message_id == "uid-1.1.finished"
    assert properties.content_type == "application/cloudevents+json"
    assert json.loads(body)["data"]["reason"] == "CorruptMedia"


async def test_the_notifier_may_have_declared_everything_before(
    publisher: Publisher, parameters: pika.ConnectionParameters
):
    connection = pika.BlockingConnection(parameters)
    declare_queue(connection.channel(), "mp3")
    connection.close()
    await publisher.publish(event(1))
    assert len(take(parameters)) == 1


async def test_a_queue_that_is_gone_is_declared_anew_and_the_event_is_not_lost(
    publisher: Publisher, parameters: pika.ConnectionParameters
):
    await publisher.publish(event(1))
    connection = pika.BlockingConnection(parameters)
    connection.channel().queue_delete("mp3")
    connection.close()
    with pytest.raises(PublishFailed):
        await publisher.publish(event(2))
    await publisher.publish(event(2))
    assert len(take(parameters)) == 1


async def test_a_connection_that_the_broker_closed_is_opened_anew(
    publisher: Publisher, parameters: pika.ConnectionParameters, rabbitmq_server: Server
):
    await publisher.publish(event(1))
    rabbitmq_server.run("rabbitmqctl", "close_all_connections", "maintenance")
    await publisher.publish(event(2))
    assert len(take(parameters)) == 2


async def test_a_broker_that_freezes_fails_the_event_in_time_and_is_found_again(
    publisher: Publisher, parameters: pika.ConnectionParameters, rabbitmq_server: Server
):
    await publisher.publish(event(1))
    rabbitmq_server.pause()
    try:
        with pytest.raises(PublishFailed):
            await publisher.publish(event(2))
    finally:
        rabbitmq_server.unpause()
    await publisher.publish(event(2))
    assert {properties.message_id for properties, _ in take(parameters)} == {
        "uid-1.1.finished",
        "uid-2.1.finished",
    }
