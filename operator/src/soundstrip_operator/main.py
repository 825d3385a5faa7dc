"""Start-up: settings are read, things are built, and all of it ends together."""

import asyncio
import logging
import random
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import pika
import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, disable_created_metrics

from soundstrip_operator.carrying import Hands
from soundstrip_operator.census import Census
from soundstrip_operator.chronicle import Chronicle
from soundstrip_operator.cluster import Cluster, ClusterError
from soundstrip_operator.connection import connect_to_kubernetes
from soundstrip_operator.herald import Herald
from soundstrip_operator.intake import Intake
from soundstrip_operator.job import Worker
from soundstrip_operator.metrics import Metrics
from soundstrip_operator.places import Places
from soundstrip_operator.policy import Policy
from soundstrip_operator.positions import Positions
from soundstrip_operator.progress_server import build_app
from soundstrip_operator.publisher import Publisher, broker_parameters
from soundstrip_operator.quantity import parse_bytes
from soundstrip_operator.reconciler import Reconciler
from soundstrip_operator.release.finalizers import leave_with_namespace
from soundstrip_operator.resources import Resources
from soundstrip_operator.settings import OperatorSettings
from soundstrip_operator.signals import wait_for_signal
from soundstrip_operator.storage import Storage
from soundstrip_operator.tokens import TokenBucket
from soundstrip_operator.view import View
from soundstrip_operator.watching import watch
from soundstrip_operator.workqueue import Work, Workqueue
from soundstrip_service.logs import configure_logs
from soundstrip_service.settings import load_settings
from soundstrip_service.tracing import Tracing, open_tracing
from soundstrip_storage.archive import Archive
from soundstrip_storage.connection import AsyncDocuments, connect_async
from soundstrip_storage.ledger import Ledger

log = structlog.get_logger("soundstrip.operator")

_PROGRAM = "soundstrip_operator"
_WORKERS = 16
_STOP_SECONDS = 3.0
_LEAVE_PAUSES = (1.0, 4.0, 0.0)
_PROGRESS_BURST = 10.0


def main() -> None:
    """Run the operator until SIGTERM or SIGINT."""
    settings = load_settings(
        OperatorSettings,
        program=_PROGRAM,
        description="Watches VideoConversions, runs their Jobs, and announces their ends.",
        argv=sys.argv[1:],
    )
    configure_logs(settings.log_level)
    for noisy in ("kopf", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # each failure is logged once, by us
    disable_created_metrics()  # type: ignore[no-untyped-call]
    asyncio.run(_run(settings))


async def _run(settings: OperatorSettings) -> None:
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect_to_kubernetes())
        database = connect_async(
            settings.mongo_uri.get_secret_value(), settings.mongo_db, application=_PROGRAM
        )
        stack.push_async_callback(database.client.close)
        publisher = Publisher(_broker(settings), settings.mp3_queue)
        stack.callback(publisher.close)
        metrics = Metrics()
        cluster = Cluster(connection, settings.namespace, metrics.see_request)
        tracing = open_tracing("soundstrip-operator", settings.otel_exporter_otlp_endpoint)
        stack.callback(tracing.close)
        storage = _storage(settings, database)
        parts = _assemble(settings, cluster, storage, publisher, metrics=metrics, tracing=tracing)
        await _serve(settings, parts)
        await _leave(cluster)


async def _leave(cluster: Cluster) -> None:
    for pause in _LEAVE_PAUSES:
        try:
            await leave_with_namespace(cluster)
        except ClusterError as error:
            log.warning("whether the namespace ends is not known", error=str(error))
            await asyncio.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311 - jitter
        else:
            return


@dataclass(frozen=True)
class _Parts:
    intake: Intake
    queue: Workqueue
    publications: Workqueue
    reconcile: Work
    herald: Herald
    positions: Positions
    registry: CollectorRegistry


def _assemble(
    settings: OperatorSettings,
    cluster: Cluster,
    storage: Storage,
    publisher: Publisher,
    *,
    metrics: Metrics,
    tracing: Tracing,
) -> _Parts:
    view, policy = View(), _policy(settings)
    queue = Workqueue(workers=_WORKERS, meter=metrics.queue("conversions"))
    publications = Workqueue(workers=1, cap=15.0, meter=metrics.queue("publications"))
    chronicle = Chronicle(view, tracing)
    places = Places(view, policy)
    hands = Hands(
        view,
        places=places,
        cluster=cluster,
        storage=storage,
        worker=_worker(settings),
        observers=[metrics.see_step, chronicle.see_step],
        clock=_now,
    )
    publish = metrics.count_failures(publisher.publish)
    herald = Herald(view, storage, publish, done=queue, queue=publications)
    writes = TokenBucket(settings.progress_writes_per_second, burst=_PROGRESS_BURST)
    positions = Positions(view, queue, places, writes=writes, clock=_now)
    reconciler = Reconciler(
        view,
        queue=queue,
        places=places,
        hands=hands,
        policy=policy,
        publish=herald.order,
        position=positions.of,
        clock=_now,
    )
    intake = Intake(view, queue, cluster, resync=settings.resync_seconds, progress=writes)
    metrics.registry.register(Census(view, clock=_now, lease_echo_age=lambda: None))
    reconcile = metrics.time_reconciling(reconciler.reconcile)
    return _Parts(intake, queue, publications, reconcile, herald, positions, metrics.registry)


async def _serve(settings: OperatorSettings, parts: _Parts) -> None:
    """Run all parts until a signal, or until one of them ends by a bug."""
    stop, ready = asyncio.Event(), asyncio.Event()
    key = settings.progress_key.get_secret_value().encode()
    app = build_app(key, parts.intake.take_progress, parts.intake.missing, parts.registry)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, port=settings.port).start()
    tasks = [
        asyncio.create_task(part)
        for part in (
            parts.intake.keep_listing(),
            parts.queue.run(parts.reconcile),
            parts.publications.run(parts.herald.announce),
            parts.positions.keep_telling(),
            _watch(parts.intake, settings.namespace, stop, ready),
            wait_for_signal(stop, ready),
        )
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        stop.set()
        await runner.cleanup()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=_STOP_SECONDS)
        log.info("stopped")


async def _watch(intake: Intake, namespace: str, stop: asyncio.Event, ready: asyncio.Event) -> None:
    """The first list comes before the first watch: kopf finds only kinds that are there already."""
    await intake.listed.wait()
    await watch(intake, namespace, stop=stop, ready=ready)


def _now() -> datetime:
    return datetime.now(UTC)


def _storage(settings: OperatorSettings, database: AsyncDocuments) -> Storage:
    return Storage(Ledger(database), Archive(database), settings.install_id)


def _policy(settings: OperatorSettings) -> Policy:
    return Policy(
        max_active_jobs=settings.max_active_jobs,
        max_active_per_owner=settings.max_active_per_owner or settings.max_active_jobs,
        max_tries=settings.max_tries,
        retry_base=settings.retry_base_seconds,
        start_limit=settings.start_timeout_seconds,
        failed_job_retention=settings.failed_job_retention_seconds,
        default_ttl=settings.default_ttl_seconds,
    )


def _worker(settings: OperatorSettings) -> Worker:
    return Worker(
        install=settings.install_id,
        image=settings.worker_image,
        pull_policy=settings.worker_image_pull_policy,
        pull_secret=settings.worker_image_pull_secret,
        service_account=settings.worker_service_account,
        mover=Resources(
            parse_bytes(settings.mover_memory_request),
            parse_bytes(settings.mover_memory_limit),
            settings.mover_cpu_request,
            settings.mover_cpu_limit,
        ),
        converter=Resources(
            parse_bytes(settings.converter_memory_request),
            parse_bytes(settings.converter_memory_limit),
            settings.converter_cpu_request,
            settings.converter_cpu_limit,
        ),
        memory_ceiling=parse_bytes(settings.worker_memory_ceiling),
        disk_headroom=parse_bytes(settings.disk_headroom),
        max_result_bytes=settings.max_result_bytes,
        mongo_db=settings.mongo_db,
        mover_secret=settings.mover_secret,
        progress_url=settings.progress_url,
        progress_key=settings.progress_key.get_secret_value().encode(),
    )


def _broker(settings: OperatorSettings) -> pika.ConnectionParameters:
    uri = settings.rabbitmq_uri
    return broker_parameters(
        uri=uri.get_secret_value() if uri else None,
        host=settings.rabbitmq_host,
        port=settings.rabbitmq_port,
        user=settings.rabbitmq_user,
        password=settings.rabbitmq_password.get_secret_value(),
    )
