"""The notifier as a process, with all that it talks to."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pika
import requests
from pymongo import MongoClient
from tests.mailing import Sink
from tests.processes import free_port, running
from tests.waiting import wait_until

from soundstrip_crds.conversion import Owner, Result
from soundstrip_crds.events import (
    EXCHANGE,
    CloudEvent,
    ConversionFinished,
    event_id,
    routing_key,
)
from soundstrip_crds.reasons import Reason
from soundstrip_crds.topology import declare_queue

_COMMAND = [sys.executable, "-m", "soundstrip_notifier"]
_FILE_ID = "65f000000000000000000001"


def make_event(uid: str, email: str | None = "ada@example.org") -> CloudEvent:
    """Make the event of a conversion that succeeded."""
    result = Result(
        file_id="65f000000000000000000002",
        filename="talk.mp3",
        size=720_437,
        sha256="0" * 64,
        content_type="audio/mpeg",
        duration_seconds=30,
        bitrate=192_000,
    )
    data = ConversionFinished(
        name=f"vc-{_FILE_ID}",
        namespace="soundstrip",
        uid=uid,
        run=1,
        owner=Owner(id="42", name="Ada"),
        filename="talk.mp4",
        source_file_id=_FILE_ID,
        reason=Reason.SUCCEEDED,
        message="The audio is ready to be downloaded.",
        email=email,
        result=result,
    )
    return CloudEvent(
        id=event_id(uid, 1),
        source="/soundstrip/operator",
        type="dev.soundstrip.conversion.succeeded",
        subject=data.name,
        time=datetime.now(UTC),
        data=data,
    )


@dataclass(frozen=True)
class Notifier:
    """A running notifier."""

    process: "subprocess.Popen[bytes]"
    health_port: int
    log: Path

    def health(self) -> int:
        """The status of /health, or 0 if nobody answers."""
        try:
            url = f"http://127.0.0.1:{self.health_port}/health"
            return requests.get(url, timeout=30).status_code
        except requests.ConnectionError:
            return 0

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def logged(self, event: str) -> int:
        """How many lines of its log tell of this event."""
        *whole, _ = self.log.read_bytes().split(b"\n")
        lines = map(msgspec.json.decode, whole)
        return sum(line["event"] == event for line in lines)


@dataclass(frozen=True)
class Desk:
    """The notifier's surroundings: queue, memory of deliveries, mail server."""

    amqp_url: str
    mongo_uri: str
    database: str
    sink: Sink
    directory: Path

    def environment(self, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables of a notifier here."""
        return {
            "PATH": os.environ["PATH"],
            "RABBITMQ_URI": self.amqp_url,
            "MONGO_URI": self.mongo_uri,
            "MONGO_DB": self.database,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.sink.smtp_port),
            "SMTP_TLS": "none",
            "GMAIL_ADDRESS": "soundstrip@example.net",
            "RETRY_SECONDS": "1" + 99 * ",1",  # more tries than any wait of a test takes
        } | dict(changes or {})

    @contextmanager
    def notifier(self, **changes: str) -> Iterator[Notifier]:
        """Run a notifier until the block ends."""
        port = free_port()
        environment = self.environment(changes) | {"PORT": str(port)}
        log = self.directory / f"notifier-{port}.log"
        with log.open("wb") as stdout, running(_COMMAND, environment, stdout) as process:
            notifier = Notifier(process, port, log)
            wait_until(lambda: notifier.health() != 0, "the notifier answers")
            yield notifier

    def replay(self) -> str:
        """Run the command that replays the dead queue and return what it says."""
        done = subprocess.run(
            [*_COMMAND, "replay"],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    @contextmanager
    def channel(self) -> Iterator[Any]:
        """Open a channel that confirms, where the topology stands."""
        with pika.BlockingConnection(pika.URLParameters(self.amqp_url)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            declare_queue(channel, "mp3")
            yield channel

    def publish(self, *events: CloudEvent | bytes) -> None:
        """Publish as the operator does: persistent, mandatory, confirmed."""
        key = routing_key("dev.soundstrip.conversion.succeeded")
        properties = pika.BasicProperties(delivery_mode=2)
        with self.channel() as channel:
            for event in events:
                body = event if isinstance(event, bytes) else msgspec.json.encode(event)
                channel.basic_publish(EXCHANGE, key, body, properties, mandatory=True)

    def depth(self, queue: str) -> int:
        """How many messages wait in a queue, those in a consumer's hand not counted."""
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def dead_headers(self) -> dict[str, Any]:
        """The headers of the first message in the dead queue, which stays there."""
        with self.channel() as channel:
            method, properties, _ = channel.basic_get("mp3.dead")
            channel.basic_nack(method.delivery_tag, requeue=True)
            return dict(properties.headers)

    def deliveries(self) -> set[str]:
        """The keys of the deliveries that are remembered."""
        with MongoClient[dict[str, Any]](self.mongo_uri) as client:
            return {entry["_id"] for entry in client[self.database]["deliveries"].find()}
