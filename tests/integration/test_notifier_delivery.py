"""The notifier with a real RabbitMQ, MongoDB and mail server, each of which fails in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.containers import Server
from tests.mailing import Sink, running_sink
from tests.notifying import Desk, make_event
from tests.processes import free_port
from tests.waiting import wait_until

KEY = "u1.1.finished/email/ada@example.org"


@pytest.fixture(scope="module")
def mail_server() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def desk(
    amqp_url: str, mongo_uri: str, mongo_database: str, mail_server: Sink, tmp_path: Path
) -> Desk:
    mail_server.reset()
    return Desk(amqp_url, mongo_uri, mongo_database, mail_server, tmp_path)


def wait_for_mail(desk: Desk, count: int = 1) -> None:
    wait_until(lambda: len(desk.sink.messages()) >= count, f"{count} e-mails arrive")


def wait_for_record(desk: Desk, key: str = KEY) -> None:
    wait_until(lambda: key in desk.deliveries(), "the delivery is remembered")


def wait_for_answer_held_back(desk: Desk) -> None:
    wait_until(lambda: desk.sink.behaviour()["waiting"], "a letter was handed in")


def assert_nothing_is_left(desk: Desk) -> None:
    assert [desk.depth(queue) for queue in ("mp3", "mp3.dead", "mp3.retry.1")] == [0, 0, 0]


def test_an_event_becomes_one_mail_that_is_remembered(desk: Desk):
    with desk.notifier() as notifier:
        desk.publish(make_event("u1"))
        wait_for_record(desk)
        assert notifier.health() == 200
        assert notifier.stop() == 0
    [message] = desk.sink.messages()
    assert message["Message-ID"] == "<u1.1.finished@soundstrip>"
    assert message["to"] == ["ada@example.org"]
    assert '"talk.mp4" was converted to MP3.' in message["text"]
    assert "http://127.0.0.1:8000/download?fid=65f000000000000000000001" in message["text"]
    assert_nothing_is_left(desk)


def test_an_event_that_comes_again_and_again_sends_one_mail(desk: Desk):
    desk.publish(*[make_event("u1")] * 5)
    with desk.notifier() as notifier:
        wait_for_record(desk)
        desk.publish(make_event("u1"))
        wait_until(lambda: notifier.logged("settled") == 6, "all six are settled")
        notifier.stop()
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)


def test_an_event_without_an_address_is_nothing_to_do(desk: Desk):
    with desk.notifier() as notifier:
        desk.publish(make_event("u1", email=None))
        wait_until(lambda: notifier.logged("settled") == 1, "it is settled")
        notifier.stop()
    assert desk.sink.messages() == []
    assert_nothing_is_left(desk)


def test_a_mail_waits_for_a_mail_server_that_is_away(desk: Desk):
    port = free_port()
    with desk.notifier(SMTP_PORT=str(port)) as notifier:
        desk.publish(make_event("u1"))
        wait_until(lambda: notifier.logged("put aside") >= 1, "it is put aside")
        with running_sink(smtp_port=port) as late:
            wait_until(late.messages, "the mail arrives")
            wait_for_record(desk)
            notifier.stop()
            assert len(late.messages()) == 1
    assert_nothing_is_left(desk)


def test_a_refusal_for_the_time_being_is_tried_again(desk: Desk):
    desk.sink.behave(rcpt="450 4.2.0 try later", times=2)
    with desk.notifier() as notifier:
        desk.publish(make_event("u1"))
        wait_for_record(desk)
        assert notifier.logged("put aside") == 2
        notifier.stop()
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)


def test_a_final_refusal_is_buried_with_its_reason_and_can_be_replayed(desk: Desk):
    desk.sink.behave(rcpt="550 5.1.1 no such user")
    with desk.notifier():
        desk.publish(make_event("u1"))
        wait_until(lambda: desk.depth("mp3.dead") == 1, "it is buried")
        headers = desk.dead_headers()
        assert headers["x-soundstrip-attempts"] == 1
        assert "550 5.1.1 no such user" in headers["x-soundstrip-reason"]
        assert desk.deliveries() == set()
        desk.sink.reset()
        assert "1 moved" in desk.replay()
        wait_for_record(desk)
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)


def test_what_keeps_failing_is_buried_after_its_last_try(desk: Desk):
    desk.sink.behave(rcpt="450 4.2.0 try later")
    with desk.notifier(RETRY_SECONDS="1,1") as notifier:
        desk.publish(make_event("u1"))
        wait_until(lambda: desk.depth("mp3.dead") == 1, "it is buried")
        assert notifier.logged("put aside") == 2
    assert desk.dead_headers()["x-soundstrip-attempts"] == 3


def test_what_is_no_event_is_buried_and_holds_nothing_up(desk: Desk):
    poison = [b"", b"{", b"\xff\x00", b'{"specversion":"1.0"}']
    with desk.notifier() as notifier:
        desk.publish(*poison, make_event("u1"))
        wait_for_record(desk)
        wait_until(lambda: desk.depth("mp3.dead") == len(poison), "the others are buried")
        assert notifier.stop() == 0
    assert "not an event" in desk.dead_headers()["x-soundstrip-reason"]
    assert desk.depth("mp3") == 0


def test_a_kill_before_the_servers_250_loses_and_repeats_nothing(desk: Desk):
    desk.sink.behave(delaySeconds=600)
    desk.publish(make_event("u1"))
    with desk.notifier() as notifier:
        wait_for_answer_held_back(desk)
        notifier.kill()
    wait_until(lambda: not desk.sink.behaviour()["waiting"], "the server notices")
    desk.sink.reset()
    with desk.notifier():
        wait_for_record(desk)
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)


def test_sigterm_lets_the_message_in_hand_be_finished(desk: Desk):
    desk.sink.behave(delaySeconds=2)
    with desk.notifier() as notifier:
        desk.publish(make_event("u1"))
        wait_for_answer_held_back(desk)
        assert notifier.stop() == 0
    assert desk.deliveries() == {KEY}
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)


def test_heartbeats_are_answered_while_a_mail_server_is_slow(desk: Desk):
    desk.sink.behave(delaySeconds=10)
    with desk.notifier(RABBITMQ_URI=f"{desk.amqp_url}?heartbeat=4") as notifier:
        desk.publish(make_event("u1"))
        wait_for_record(desk)
        notifier.stop()
        assert notifier.logged("consuming") == 1
    assert len(desk.sink.messages()) == 1


def test_rabbitmq_away_at_the_start_is_waited_for(desk: Desk, rabbitmq_server: Server):
    desk.publish(make_event("u1"))
    rabbitmq_server.run("rabbitmqctl", "stop_app")
    try:
        with desk.notifier() as notifier:
            assert notifier.health() == 503
            rabbitmq_server.run("rabbitmqctl", "start_app")
            wait_for_record(desk)
            assert notifier.health() == 200
    finally:
        rabbitmq_server.run("rabbitmqctl", "start_app")
    assert len(desk.sink.messages()) == 1


def test_rabbitmq_restarted_in_the_middle_of_a_mail_repeats_nothing(
    desk: Desk, rabbitmq_server: Server
):
    desk.sink.behave(delaySeconds=5)
    with desk.notifier() as notifier:
        desk.publish(make_event("u1"))
        wait_for_answer_held_back(desk)
        rabbitmq_server.run("rabbitmqctl", "stop_app")
        try:
            wait_until(lambda: notifier.health() == 503, "the notifier notices")
        finally:
            rabbitmq_server.run("rabbitmqctl", "start_app")
        wait_until(lambda: notifier.health() == 200, "it goes on by itself")
        desk.publish(make_event("u2"))
        wait_for_record(desk, "u2.1.finished/email/ada@example.org")
        assert notifier.process.poll() is None
        notifier.stop()
    assert len(desk.sink.messages()) == 2
    assert_nothing_is_left(desk)


def test_a_rabbitmq_that_freezes_is_noticed_by_its_silence(desk: Desk, rabbitmq_server: Server):
    with desk.notifier(RABBITMQ_URI=f"{desk.amqp_url}?heartbeat=2") as notifier:
        wait_until(lambda: notifier.health() == 200, "it consumes")
        rabbitmq_server.pause()
        try:
            wait_until(lambda: notifier.health() == 503, "the notifier notices")
        finally:
            rabbitmq_server.unpause()
        wait_until(lambda: notifier.health() == 200, "it goes on by itself")
        desk.publish(make_event("u1"))
        wait_for_record(desk)


def test_mongodb_away_uses_up_no_try_and_loses_nothing(desk: Desk, mongo_server: Server):
    with desk.notifier(RETRY_SECONDS="1") as notifier:
        mongo_server.pause()
        try:
            desk.publish(make_event("u1"))
            wait_until(lambda: notifier.logged("put aside") >= 2, "it is put aside twice")
            assert notifier.health() == 503
        finally:
            mongo_server.unpause()
        wait_for_record(desk)
        notifier.stop()
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)


def test_mongodb_away_after_the_servers_250_repeats_nothing(desk: Desk, mongo_server: Server):
    desk.sink.behave(delaySeconds=600)
    with desk.notifier() as notifier:
        desk.publish(make_event("u1"))
        wait_for_answer_held_back(desk)
        mongo_server.pause()
        try:
            desk.sink.behave()
            wait_for_mail(desk)
            wait_until(lambda: notifier.logged("put aside") >= 1, "it is put aside")
        finally:
            mongo_server.unpause()
        wait_for_record(desk)
        wait_until(lambda: notifier.logged("settled") == 1, "it is settled")
        notifier.stop()
    assert len(desk.sink.messages()) == 1
    assert_nothing_is_left(desk)
