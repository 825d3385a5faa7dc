"""HTTP: the movers' progress, whether the operator lives and serves, and its metrics."""

import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from soundstrip_crds.job import (
    PROGRESS_BODY_LIMIT,
    ProgressPost,
    Unreadable,
    progress_token,
    read_message,
)
from soundstrip_crds.reasons import Reason

_STAGES = {Reason.PENDING, Reason.CONVERTING, Reason.STORING}
_BEARER = "Bearer "

Take = Callable[[str, int, int, ProgressPost], bool]
"""Takes a post of (uid, run, try); False if no such conversion is open."""

Missing = Callable[[], dict[str, str]]
"""Says what the operator needs and has not, with a sentence for each."""


class Share(Protocol):
    """What the process says of its share in the Lease."""

    def standing_by(self) -> str:
        """Say who else acts, in a sentence; empty if nobody else does."""

    def hangs(self) -> bool:
        """Say whether this process has ceased to care for the Lease."""


def build_app(
    key: bytes, take: Take, missing: Missing, share: Share, registry: CollectorRegistry
) -> web.Application:
    """Return the application; `key` is what progress tokens are made with."""
    app = web.Application(client_max_size=PROGRESS_BODY_LIMIT)

    async def post_progress(request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        run, number = int(request.match_info["run"]), int(request.match_info["number"])
        if not is_authorized(request.headers.get("Authorization", ""), key, uid, run, number):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        post = parse_post(await request.read())
        if post is None:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        if share.standing_by():
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        taken = take(uid, run, number, post)
        return web.Response(status=HTTPStatus.NO_CONTENT if taken else HTTPStatus.NOT_FOUND)

    async def livez(_request: web.Request) -> web.Response:
        if share.hangs():
            body = {"status": "hanging", "message": "The Lease is not cared for any more."}
            return web.json_response(body, status=HTTPStatus.SERVICE_UNAVAILABLE)
        return web.json_response({"status": "ok"})

    async def health(_request: web.Request) -> web.Response:
        lacks = missing()
        if not lacks:
            return web.json_response(_describe_role(share))
        body = {"status": "unavailable", "missing": lacks}
        return web.json_response(body, status=HTTPStatus.SERVICE_UNAVAILABLE)

    app.router.add_post(r"/v1/progress/{uid}/{run:\d{1,6}}/{number:\d{1,6}}", post_progress)
    app.router.add_get("/livez", livez)
    app.router.add_get("/health", health)
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    return app


def _describe_role(share: Share) -> dict[str, str]:
    sentence = share.standing_by()
    return {"status": "standing by", "message": sentence} if sentence else {"status": "ok"}


def is_authorized(header: str, key: bytes, uid: str, run: int, number: int) -> bool:
    """Say whether the Authorization header holds the token of just this try."""
    token = header.removeprefix(_BEARER) if header.startswith(_BEARER) else ""
    wanted = progress_token(key, uid, run, number)
    return hmac.compare_digest(token.encode(), wanted.encode())


def parse_post(body: bytes) -> ProgressPost | None:
    """Return the post; None if it is none, or speaks of a stage that is not the worker's."""
    try:
        post = read_message(body, ProgressPost)
    except Unreadable:
        return None
    return post if post.reason in _STAGES else None
