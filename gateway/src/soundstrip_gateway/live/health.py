"""Whether the process lives and sees, and what it counts, over HTTP for the kubelet and people."""

from http import HTTPStatus

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from soundstrip_gateway.live.board import Board
from soundstrip_gateway.live.hub import Hub


def build_app(board: Board, hub: Hub, registry: CollectorRegistry) -> web.Application:
    """Return `/livez` (200 while the loop turns) and `/health` (503 while nothing new is seen).

    `/metrics` tells the registry, in the format that is asked for.
    """
    app = web.Application()

    async def livez(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def health(_request: web.Request) -> web.Response:
        counts = {"streams": len(hub), "conversions": len(board)}
        if board.is_loaded and not hub.is_stale:
            return web.json_response({"status": "ok"} | counts)
        missing = {"kubernetes": "The Kubernetes API does not answer."}
        body = {"status": "unavailable", "missing": missing} | counts
        return web.json_response(body, status=HTTPStatus.SERVICE_UNAVAILABLE)

    app.router.add_get("/livez", livez)
    app.router.add_get("/health", health)
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    return app
