"""An API server that fails on request: a proxy before the real one, which keeps a record too."""

import asyncio
import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

Body = dict[str, Any]

SILENCE = 0
"""No answer ever comes; the connection stands."""

_WRITES = {"POST", "PUT", "PATCH", "DELETE"}
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)
_OUR_OWN = {"host", "connection", "transfer-encoding", "content-length", "authorization"}
_OUR_OWN |= {"accept-encoding", "content-encoding"}
"""Headers that are made anew on either side."""


def _always(_body: Body) -> bool:
    return True


@dataclass(frozen=True)
class Target:
    """Which requests are meant: a method, a part of path and query, and what the body holds."""

    method: str
    path: str
    holds: Callable[[Body], bool] = _always
    agent: str = ""
    """A part of the User-Agent: the operator's own requests and kopf's differ in it."""


@dataclass
class Fault:
    """How the first requests of a kind fail that are about a conversion."""

    target: Target
    status: int
    about: str = ""
    """What stands in the path or in the body: a conversion's name."""
    retry_after: int | None = None
    is_lost: bool = False
    """Whether the API server has done it, and only its answer does not come."""
    times: int = 1
    met: int = 0
    """How often it has struck."""

    def strikes(self, request: web.Request, body: Body) -> bool:
        """Say whether it is this request's turn to fail."""
        target, path = self.target, request.path_qs
        return (
            self.met < self.times
            and request.method == target.method
            and target.path in path
            and target.agent in request.headers["User-Agent"]
            and (self.about in path or self.about in json.dumps(body))
            and target.holds(body)
        )


def fail_in_every_way(target: Target, about: str = "") -> list[Fault]:
    """Return faults for so many requests, one after the other; none of them is carried out."""
    return [
        Fault(target, 409, about),
        Fault(target, 410, about),
        Fault(target, 429, about, retry_after=1),
        Fault(target, 500, about),
        Fault(target, SILENCE, about),
    ]


def lose_answers(target: Target, about: str = "") -> list[Fault]:
    """Return the same for requests that are carried out, and only that is never said."""
    return [Fault(target, status, about, is_lost=True) for status in (500, SILENCE)]


@dataclass(frozen=True)
class Request:
    """A request that reached the real API server, and its answer's status."""

    method: str
    path: str
    body: Body
    status: int
    received_at: float
    """Seconds of the monotonic clock."""

    @property
    def is_write(self) -> bool:
        """Whether it asked for a change."""
        return self.method in _WRITES


@dataclass
class _Watch:
    request: web.Request
    response: web.StreamResponse
    is_silent: bool = False


class FaultyApi:
    """Passes on what it is asked, unless a fault says otherwise."""

    def __init__(self, kubeconfig: str, folder: Path) -> None:
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.are_new_watches_silent = False
        self._watches: list[_Watch] = []
        self._loop = asyncio.new_event_loop()
        self._upstream, self._tls = _read_kubeconfig(kubeconfig, folder)
        self._port = 0

    @property
    def kubeconfig(self) -> str:
        """The configuration of a client that is to come here."""
        name, address = "faulty", f"http://127.0.0.1:{self._port}"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": {"server": address}}],
            "users": [{"name": name, "user": {"token": "none"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }
        return yaml.safe_dump(config)

    @property
    def open_watches(self) -> int:
        """How many watches deliver what happens."""
        return sum(not watch.is_silent for watch in self._watches)

    def done(self, method: str, path: str, about: str) -> list[Request]:
        """Return the requests about a conversion that the real API server has granted."""
        return [
            request
            for request in self.requests
            if (request.method, path in request.path) == (method, True)
            and request.status < HTTPStatus.BAD_REQUEST
            and (about in request.path or about in json.dumps(request.body))
        ]

    def silence_watches(self) -> None:
        """Have the watches stand half-open: no byte comes any more."""
        for watch in self._watches:
            watch.is_silent = True

    def break_watches(self) -> None:
        """Have the watches' connections end in the middle."""
        self._loop.call_soon_threadsafe(self._abort_watches)

    def tell_watches(self, code: int, reason: str) -> None:
        """Send an error in the stream, as the API server does when it can't go on."""
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
        event = {"type": "ERROR", "object": status | {"code": code, "reason": reason}}
        telling = self._write(json.dumps(event).encode() + b"\n")
        asyncio.run_coroutine_threadsafe(telling, self._loop).result(60)

    @contextmanager
    def serving(self) -> Iterator["FaultyApi"]:
        """Serve on a port of loopback until the block ends."""
        started = threading.Event()
        stop = asyncio.Event()
        run = self._run(started, stop)
        thread = threading.Thread(target=self._loop.run_until_complete, args=(run,), daemon=True)
        thread.start()
        assert started.wait(60)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(stop.set)
            thread.join(10)

    async def _run(self, started: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        async with aiohttp.ClientSession(
            connector=connector, timeout=_TIMEOUT, read_bufsize=2**21
        ) as self._session:
            await site.start()
            self._port = runner.addresses[0][1]
            started.set()
            await stop.wait()
            self._abort_watches()
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        body: Body = json.loads(text or b"{}")
        received_at, fault = time.monotonic(), self._find_fault(request, body)
        if fault is not None and not fault.is_lost:
            return await _answer(fault)
        if "watch" in request.query:
            return await self._serve_watch(request)
        passing = self._pass_on(request, text, body, received_at)
        answer = await asyncio.shield(passing)  # it is done, whether or not anybody waits for it
        if fault is not None:
            return await _answer(fault)
        return answer

    async def _pass_on(
        self, request: web.Request, text: bytes, body: Body, received_at: float
    ) -> web.Response:
        async with self._send(request, text) as told:
            answer = await told.read()
        done = Request(request.method, request.path_qs, body, told.status, received_at)
        self.requests.append(done)
        return web.Response(status=told.status, body=answer, headers=_end_to_end(told.headers))

    def _find_fault(self, request: web.Request, body: Body) -> Fault | None:
        for fault in self.faults:
            if fault.strikes(request, body):
                fault.met += 1
                return fault
        return None

    def _send(self, request: web.Request, body: bytes) -> Any:
        url, headers = self._upstream + request.path_qs, _end_to_end(request.headers)
        return self._session.request(
            request.method,
            URL(url, encoded=True),
            data=body or None,
            headers=headers,
            skip_auto_headers=("Content-Type",),  # what a client leaves out stays out
        )

    async def _serve_watch(self, request: web.Request) -> web.StreamResponse:
        async with self._send(request, b"") as told:
            response = web.StreamResponse(status=told.status, headers=_end_to_end(told.headers))
            await response.prepare(request)
            watch = _Watch(request, response, self.are_new_watches_silent)
            self._watches.append(watch)
            try:
                async for data in told.content.iter_any():
                    if not watch.is_silent:
                        await response.write(data)
                if watch.is_silent:
                    await asyncio.Event().wait()
            finally:
                self._watches.remove(watch)
        return response

    async def _write(self, line: bytes) -> None:
        for watch in list(self._watches):
            if not watch.is_silent:
                with suppress(ConnectionResetError):  # who watched is about to begin anew
                    await watch.response.write(line)

    def _abort_watches(self) -> None:
        for watch in self._watches:
            if watch.request.transport is not None:
                watch.request.transport.abort()


async def _answer(fault: Fault) -> web.Response:
    if fault.status == SILENCE:
        await asyncio.Event().wait()
    message = f"The test has it fail with {fault.status}"
    body = {"kind": "Status", "apiVersion": "v1", "code": fault.status, "message": message}
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return web.json_response(body, status=fault.status, headers=headers)


def _end_to_end(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OUR_OWN}


def _read_kubeconfig(text: str, folder: Path) -> tuple[str, ssl.SSLContext]:
    config = yaml.safe_load(text)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    pair = folder / "client.pem"
    pair.touch(mode=0o600)
    parts = (user["client-certificate-data"], user["client-key-data"])
    pair.write_bytes(b"".join(base64.b64decode(part) for part in parts))
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    tls = ssl.create_default_context(cadata=authority)
    tls.load_cert_chain(pair)
    return cluster["server"], tls
