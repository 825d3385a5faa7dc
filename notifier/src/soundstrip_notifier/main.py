"""Reads the settings, builds the notifier and runs it until a signal."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

import pika
import structlog
from pymongo import MongoClient

from soundstrip_notifier.broker import connection_parameters
from soundstrip_notifier.consumer import Consumer
from soundstrip_notifier.delivery import EmailDelivery
from soundstrip_notifier.errors import Unavailable
from soundstrip_notifier.ledger import OPERATION_SECONDS, Document, Ledger
from soundstrip_notifier.replay import replay_dead
from soundstrip_notifier.settings import BrokerSettings, NotifierSettings
from soundstrip_service.addresses import parse_address
from soundstrip_service.health import serve_health
from soundstrip_service.logs import configure_logs
from soundstrip_service.mailer import Mailer
from soundstrip_service.mailing import smtp_server
from soundstrip_service.settings import describe_settings, read_settings
from soundstrip_service.structs import prepare_structs
from soundstrip_service.tracing import open_tracing

PROGRAM = "python -m soundstrip_notifier"
STOP_SECONDS = 25
"""How long messages in hand may take after SIGTERM; Kubernetes kills after 30 s."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = structlog.get_logger("soundstrip.notifier")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name; never returns before it is done."""
    command = _parser().parse_args(arguments).command
    prepare_structs()
    match command:
        case "replay":
            _replay(read_settings(BrokerSettings, program=PROGRAM))
        case _:
            _run(read_settings(NotifierSettings, program=PROGRAM))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Consumes the events of finished conversions and sends the e-mails.",
        epilog=describe_settings(NotifierSettings),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="command")
    commands.add_parser("run", help="consume and send (the default)")
    commands.add_parser("replay", help="move what was given up back to the queue, and exit")
    return parser


def _replay(settings: BrokerSettings) -> None:
    _configure_logs(settings.log_level)
    try:
        moved = replay_dead(_parameters(settings), settings.mp3_queue)
    except Unavailable as error:
        sys.exit(f"{PROGRAM}: {error}")
    print(f"{moved} moved from {settings.mp3_queue}.dead to {settings.mp3_queue}")


def _run(settings: NotifierSettings) -> None:
    _configure_logs(settings.log_level)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # for all threads: main alone waits for them
    tracing = open_tracing("soundstrip-notifier", settings.otel_exporter_otlp_endpoint)
    ledger = Ledger(_mongo_client(settings), settings.mongo_db)
    delivery = EmailDelivery(
        ledger=ledger,
        mailer=Mailer(smtp_server(settings, settings.gmail_address)),
        sender=parse_address(settings.gmail_address),
        public_url=settings.public_url,
        tracing=tracing,
    )
    consumer = Consumer(
        _parameters(settings), settings.mp3_queue, settings.retry_seconds, delivery.handle
    )
    with serve_health(settings.port, {"rabbitmq": consumer.check, "mongodb": ledger.check}):
        exit_code = _consume_until_signalled(consumer)
    tracing.close()
    sys.stdout.flush()
    os._exit(exit_code)  # a mail server that hangs must not hold the process


def _consume_until_signalled(consumer: Consumer) -> int:
    """Return 0 after a signal, 1 if the consumer ended by itself, which it never should."""
    thread = threading.Thread(target=consumer.run, name="consumer", daemon=True)
    thread.start()
    while signal.sigtimedwait(_SIGNALS, 1) is None:
        if not thread.is_alive():
            return 1
    log.info("stopping")
    consumer.stop()
    thread.join(STOP_SECONDS)
    log.info("stopped", unfinished=thread.is_alive())
    return 0


def _configure_logs(level: str) -> None:
    configure_logs(level)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # each failure is logged once, by us


def _parameters(settings: BrokerSettings) -> pika.ConnectionParameters:
    uri = settings.rabbitmq_uri
    return connection_parameters(
        uri=uri.get_secret_value() if uri else None,
        host=settings.rabbitmq_host,
        port=settings.rabbitmq_port,
        user=settings.rabbitmq_user,
        password=settings.rabbitmq_password.get_secret_value(),
    )


def _mongo_client(settings: NotifierSettings) -> "MongoClient[Document]":
    uri = settings.mongo_uri
    return MongoClient(
        uri.get_secret_value() if uri else f"mongodb://{settings.mongo_host}:{settings.mongo_port}",
        timeoutMS=OPERATION_SECONDS * 1000,
        appname="soundstrip-notifier",
        tz_aware=True,
    )
