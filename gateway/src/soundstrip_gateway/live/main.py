"""Reads the settings, and runs the live process."""

import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import disable_created_metrics
from pydantic import Field

from soundstrip_gateway.addresses import Addresses, PublicUrl
from soundstrip_gateway.live.api import connect_to_conversions
from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.door import Door, listen
from soundstrip_gateway.live.follower import Follower
from soundstrip_gateway.live.health import build_app
from soundstrip_gateway.live.hub import Hub, Limits
from soundstrip_gateway.live.metrics import Metrics
from soundstrip_gateway.live.stream import Pace
from soundstrip_gateway.namespaces import own_namespace
from soundstrip_service.logs import configure_logs
from soundstrip_service.settings import Settings, load_settings

_TOMBSTONES = 10_000
_OTHER_FILES = 256

log = structlog.get_logger("soundstrip.live")


class LiveSettings(Settings):
    """The live process's environment."""

    live_socket: Path = Field(description="Unix socket at which the gateway hands over its clients")
    public_url: PublicUrl = ""
    namespace: str = Field(
        "", description="where VideoConversions are (the pod's own, else soundstrip)"
    )
    max_streams: int = Field(1000, description="most streams at once", ge=1, le=100_000)
    max_streams_per_user: int = Field(20, description="most streams of one user", ge=1)
    heartbeat_seconds: float = Field(15, description="a comment keeps a quiet stream alive", gt=0)
    patience_seconds: float = Field(
        30, description="a client that takes nothing for this long is given up", gt=0
    )
    max_stream_seconds: float = Field(
        3600, description="longest life of a stream; its client then opens another", gt=0
    )
    host: str = Field("0.0.0.0", description="address of /livez, /health and /metrics")  # noqa: S104 - a pod's own
    port: int = Field(8001, description="port of /livez, /health and /metrics", ge=1, le=65535)


def main() -> None:
    """Run until SIGTERM or SIGINT; exit with 2 if the environment is not as it should be."""
    settings = load_settings(
        LiveSettings,
        program="python -m soundstrip_gateway.live",
        description="Live events for the clients that the gateway hands over. Kubernetes is "
        "reached by the pod's service account, or outside of a pod by KUBECONFIG.",
        argv=sys.argv[1:],
    )
    configure_logs(settings.log_level)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    _raise_file_limit(settings.max_streams + _OTHER_FILES)
    asyncio.run(_run(settings))


def _raise_file_limit(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


async def _run(settings: LiveSettings) -> None:
    board = Board(_TOMBSTONES)
    metrics = Metrics()
    hub = Hub(board, _limits(settings), _pace(settings), metrics)
    metrics.observe(board, hub)
    addresses = Addresses(settings.public_url)
    namespace = settings.namespace or own_namespace("soundstrip")
    async with AsyncExitStack() as stack:
        conversions = await stack.enter_async_context(connect_to_conversions(namespace, addresses))
        listener = stack.enter_context(listen(settings.live_socket))
        runner = web.AppRunner(build_app(board, hub, metrics.registry))
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.port).start()
        follower = Follower(conversions, board, hub, metrics)
        await _until_told(follower.follow(), Door(hub).serve(listener))


async def _until_told(*parts: Coroutine[None, None, None]) -> None:
    """Run the parts until SIGTERM or SIGINT; one that ends by itself is a bug, and ends all."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    tasks = [asyncio.create_task(part) for part in (*parts, _wait_for(told))]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ends:
        if isinstance(error, Exception):
            raise error


async def _wait_for(told: asyncio.Event) -> None:
    await told.wait()


def _limits(settings: LiveSettings) -> Limits:
    return Limits(settings.max_streams, settings.max_streams_per_user)


def _pace(settings: LiveSettings) -> Pace:
    return Pace(settings.heartbeat_seconds, settings.patience_seconds, settings.max_stream_seconds)
