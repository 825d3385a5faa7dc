"""Start-up: settings are read, things are built, and all of it ends together."""

import asyncio
import logging
import random
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, disable_created_metrics

from soundstrip_operator.alarm import Alarm
from soundstrip_operator.carrying import Hands
from soundstrip_operator.census import Census
from soundstrip_operator.chronicle import Chronicle
from soundstrip_operator.cluster import Cluster, ClusterError
from soundstrip_operator.configuration import broker_of, policy_of, sweep_policy_of, worker_of
from soundstrip_operator.connection import connect_to_kubernetes
from soundstrip_operator.herald import Herald
from soundstrip_operator.intake import Intake
from soundstrip_operator.metrics import Metrics
from soundstrip_operator.places import Places
from soundstrip_operator.positions import Positions
from soundstrip_operator.progress_server import build_app
from soundstrip_operator.publisher import Publisher
from soundstrip_operator.reconciler import Reconciler
from soundstrip_operator.release.finalizers import leave_with_namespace
from soundstrip_operator.settings import OperatorSettings
from soundstrip_operator.signals import wait_for_signal
from soundstrip_operator.storage import Storage
from soundstrip_operator.sweep_census import SweepCensus
from soundstrip_operator.sweeper import Store, Sweeper
from soundstrip_operator.tokens import TokenBucket
from soundstrip_operator.view import View
from soundstrip_operator.watching import watch
from soundstrip_operator.workqueue import Workqueue
from soundstrip_service.logs import configure_logs
from soundstrip_service.settings import load_settings
from soundstrip_service.tracing import Tracing, open_tracing
from soundstrip_storage.connection import AsyncDocuments, connect_async

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


@dataclass(frozen=True)
class _World:
    """Those who are asked and told."""

    cluster: Cluster
    database: AsyncDocuments
    publisher: Publisher
    metrics: Metrics
    tracing: Tracing


async def _run(settings: OperatorSettings) -> None:
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(connect_to_kubernetes())
        uri = settings.mongo_uri.get_secret_value()
        database = connect_async(uri, settings.mongo_db, application=_PROGRAM)
        stack.push_async_callback(database.client.close)
        publisher = Publisher(broker_of(settings), settings.mp3_queue)
        stack.callback(publisher.close)
        tracing = open_tracing("soundstrip-operator", settings.otel_exporter_otlp_endpoint)
        stack.callback(tracing.close)
        metrics = Metrics()
        cluster = Cluster(connection, settings.namespace, metrics.see_request)
        parts = _assemble(settings, _World(cluster, database, publisher, metrics, tracing))
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
    """What was built: who is asked by HTTP, and the work that never ends by itself."""

    intake: Intake
    registry: CollectorRegistry
    work: tuple[Callable[[], Coroutine[Any, Any, None]], ...]


def _assemble(settings: OperatorSettings, world: _World) -> _Parts:
    view, metrics = View(), world.metrics
    queue = Workqueue(workers=_WORKERS, meter=metrics.queue("conversions"))
    writes = TokenBucket(settings.progress_writes_per_second, burst=_PROGRESS_BURST)
    places = Places(view, policy_of(settings))
    intake = Intake(view, queue, world.cluster, resync=settings.resync_seconds, progress=writes)
    positions = Positions(view, queue, places, writes=writes, clock=_now)
    herald = _announcing(settings, world, view, queue)
    hands = Hands(
        view,
        places=places,
        cluster=world.cluster,
        storage=Storage.of(world.database, settings.install_id),
        worker=worker_of(settings),
        observers=[metrics.see_step, Chronicle(view, world.tracing).see_step],
        clock=_now,
    )
    reconciler = Reconciler(
        view,
        queue=queue,
        places=places,
        hands=hands,
        policy=policy_of(settings),
        publish=herald.order,
        position=positions.of,
        clock=_now,
    )
    metrics.registry.register(Census(view, clock=_now, lease_echo_age=lambda: None))
    reconcile = metrics.time_reconciling(reconciler.reconcile)
    work = (
        intake.keep_listing,
        partial(queue.run, reconcile),
        herald.run,
        positions.keep_telling,
        _sweeping(settings, world, view, intake),
    )
    return _Parts(intake, metrics.registry, work)


def _announcing(settings: OperatorSettings, world: _World, view: View, queue: Workqueue) -> Herald:
    publications = Workqueue(workers=1, cap=15.0, meter=world.metrics.queue("publications"))
    publish = world.metrics.count_failures(world.publisher.publish)
    storage = Storage.of(world.database, settings.install_id)
    return Herald(view, storage, publish, done=queue, queue=publications)


def _sweeping(
    settings: OperatorSettings, world: _World, view: View, intake: Intake
) -> Callable[[], Coroutine[Any, Any, None]]:
    sweeper = Sweeper(
        view,
        Store.of(world.database, settings.install_id),
        policy=sweep_policy_of(settings),
        sees_all=intake.sees_all,
        alarm=Alarm(world.cluster, socket.gethostname(), settings.pod_uid),
        clock=_now,
    )
    world.metrics.registry.register(SweepCensus(sweeper))
    queue = Workqueue(workers=1, base=5.0, cap=600.0)
    return partial(sweeper.run, queue, settings.sweep_interval_seconds)


async def _serve(settings: OperatorSettings, parts: _Parts) -> None:
    """Run all parts until a signal, or until one of them ends by a bug."""
    stop, ready = asyncio.Event(), asyncio.Event()
    key = settings.progress_key.get_secret_value().encode()
    app = build_app(key, parts.intake.take_progress, parts.intake.missing, parts.registry)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, port=settings.port).start()
    tasks = [
        *(asyncio.create_task(begin()) for begin in parts.work),
        asyncio.create_task(_watch(parts.intake, settings.namespace, stop, ready)),
        asyncio.create_task(wait_for_signal(stop, ready)),
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
