"""Start-up: settings are read, things are built, and all of it ends together."""

import asyncio
import gc
import logging
import random
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import structlog
from prometheus_client import disable_created_metrics

from soundstrip_operator.alarm import Alarm
from soundstrip_operator.batch.carrying import BatchHands
from soundstrip_operator.batch.cluster import BatchCluster
from soundstrip_operator.batch.pace import Pace
from soundstrip_operator.batch.reconciler import BatchReconciler
from soundstrip_operator.batch.register import Register
from soundstrip_operator.carrying import Hands
from soundstrip_operator.census import Census
from soundstrip_operator.chronicle import Chronicle
from soundstrip_operator.cluster import Cluster, ClusterError
from soundstrip_operator.configuration import broker_of, policy_of, sweep_policy_of, worker_of
from soundstrip_operator.connection import connect_to_kubernetes
from soundstrip_operator.herald import Herald
from soundstrip_operator.intake import Intake
from soundstrip_operator.lifetime import PartEnded, Parts, Work, live
from soundstrip_operator.metrics import Metrics
from soundstrip_operator.places import Places
from soundstrip_operator.positions import Positions
from soundstrip_operator.posts import Posts
from soundstrip_operator.progress_server import build_app
from soundstrip_operator.publisher import Publisher
from soundstrip_operator.reconciler import Reconciler
from soundstrip_operator.release.finalizers import leave_with_namespace
from soundstrip_operator.settings import OperatorSettings
from soundstrip_operator.signals import hold_signals
from soundstrip_operator.storage import Storage
from soundstrip_operator.sweep_census import SweepCensus
from soundstrip_operator.sweeper import Store, Sweeper
from soundstrip_operator.tenure import LeaseLost, Tenure, identify
from soundstrip_operator.tokens import TokenBucket
from soundstrip_operator.view import View
from soundstrip_operator.workqueue import Workqueue
from soundstrip_service.logs import configure_logs
from soundstrip_service.settings import load_settings
from soundstrip_service.tracing import Tracing, open_tracing
from soundstrip_storage.connection import AsyncDocuments, connect_async

log = structlog.get_logger("soundstrip.operator")

_PROGRAM = "soundstrip_operator"
_WORKERS = 16
_BATCH_WORKERS = 2
_BATCH_SECONDS = 1.0
"""A batch is looked at, and its status written, no oftener than this."""

_LEAVE_PAUSES = (1.0, 4.0, 0.0)
_PROGRESS_BURST = 10.0
_YOUNG_OBJECTS = 20_000


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
    _collect_rarely()
    hold_signals()
    try:
        asyncio.run(_run(settings))
    except (LeaseLost, PartEnded) as error:
        log.warning("ended, to be started afresh", cause=str(error))
        sys.exit(1)


def _collect_rarely() -> None:
    """Let the garbage collector leave alone what was imported, and look seldom at the rest.

    Each watch event is thousands of dicts that live for a moment and form no cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 10, 10)


@dataclass(frozen=True)
class _World:
    """Those who are asked and told."""

    cluster: BatchCluster
    tenure: Tenure
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
        cluster = BatchCluster(connection, settings.namespace, metrics.see_request)
        world = _World(cluster, _stand(settings, cluster), database, publisher, metrics, tracing)
        await live(_assemble(settings, world), port=settings.port, namespace=settings.namespace)
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


def _stand(settings: OperatorSettings, cluster: Cluster) -> Tenure:
    return Tenure(
        cluster,
        name=settings.lease_name,
        install=settings.install_id,
        identity=identify(settings.pod_uid),
        duration=settings.lease_duration_seconds,
    )


def _assemble(settings: OperatorSettings, world: _World) -> Parts:
    metrics = world.metrics
    batches = Workqueue(workers=_BATCH_WORKERS, meter=metrics.queue("batches"))
    view = View(Register(Pace(batches.add_after, _BATCH_SECONDS).add))
    queue = Workqueue(workers=_WORKERS, meter=metrics.queue("conversions"))
    writes = TokenBucket(settings.progress_writes_per_second, burst=_PROGRESS_BURST)
    places = Places(view, policy_of(settings))
    intake = Intake(view, queue, world.cluster, resync=settings.resync_seconds)
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
        permit=world.tenure.check,
        clock=_now,
    )
    metrics.registry.register(Census(view, clock=_now, lease_echo_age=world.tenure.age_of_echo))
    work = (
        partial(queue.run, metrics.time_reconciling(reconciler.reconcile)),
        herald.run,
        positions.keep_telling,
        _batching(world, view, batches),
        _sweeping(settings, world, view, intake),
    )
    app = build_app(
        settings.progress_key.get_secret_value().encode(),
        Posts(view, queue, writes).take,
        lambda: intake.missing() | world.tenure.missing(),
        world.tenure,
        metrics.registry,
    )
    return Parts(app, world.tenure, intake, work)


def _announcing(settings: OperatorSettings, world: _World, view: View, queue: Workqueue) -> Herald:
    publications = Workqueue(workers=1, cap=15.0, meter=world.metrics.queue("publications"))
    publish = world.metrics.count_failures(world.publisher.publish)
    storage = Storage.of(world.database, settings.install_id)
    return Herald(view, storage, publish, done=queue, queue=publications, permit=world.tenure.check)


def _batching(world: _World, view: View, queue: Workqueue) -> Work:
    hands = BatchHands(view, world.cluster)
    return BatchReconciler(
        view, queue=queue, hands=hands, permit=world.tenure.check, clock=_now
    ).run


def _sweeping(settings: OperatorSettings, world: _World, view: View, intake: Intake) -> Work:
    sweeper = Sweeper(
        view,
        Store.of(world.database, settings.install_id),
        policy=sweep_policy_of(settings),
        sees_all=intake.sees_all,
        alarm=Alarm(world.cluster, socket.gethostname(), settings.pod_uid),
        permit=world.tenure.check,
        clock=_now,
    )
    world.metrics.registry.register(SweepCensus(sweeper))
    queue = Workqueue(workers=1, base=5.0, cap=600.0)
    return partial(sweeper.run, queue, settings.sweep_interval_seconds)


def _now() -> datetime:
    return datetime.now(UTC)
