"""POSTs that take effect once, however often they are sent (`Idempotency-Key`)."""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar, assert_never

import flask
import structlog

from soundstrip_gateway.promises import Promise, decode_promise, encode_promise
from soundstrip_gateway.refusals import conflict, unprocessable
from soundstrip_gateway.tokens import Caller
from soundstrip_service.problems import Problem
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_storage.requests import Begun, Done, Mismatch, RequestLog, Underway

HEADER = "Idempotency-Key"
ABOUT = {HEADER: "up to 255 characters of your own: the same one again makes nothing twice"}

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Location", "Preference-Applied", "ETag")
_RENEW_SECONDS = 20.0

log = structlog.get_logger("soundstrip.gateway")

T = TypeVar("T")


@dataclass(frozen=True)
class Made:
    """An answer, and what is to be kept of it; `keep_body` is False where it holds a secret."""

    answer: flask.Response
    note: str = ""
    keep_body: bool = True


class Turn:
    """This request's turn to be carried out."""

    def __init__(self, requests: RequestLog | None, key: str, begun: Begun) -> None:
        self.is_resumed = begun.is_resumed
        self.promise = decode_promise(begun.promise)
        """What an earlier turn, of which nothing was heard any more, was about to make."""
        self._requests = requests
        self._key = key
        self._holder = begun.holder
        self._renewed = time.monotonic()

    def keep_alive(self, events: Iterable[T]) -> Iterator[T]:
        """Yield the events, and say now and then that the request is still under way."""
        for event in events:
            if self._requests and time.monotonic() - self._renewed > _RENEW_SECONDS:
                self._requests.renew(self._key, self._holder)
                self._renewed = time.monotonic()
            yield event

    def keep(self, promise: Promise) -> None:
        """Write down what is about to be made: who resumes this turn looks for it.

        Raises:
            Problem: 409 if somebody has resumed it already, for this one was silent too long.
            StorageUnavailable: If MongoDB is away.
        """
        text = encode_promise(promise)
        if self._requests and not self._requests.promise(self._key, self._holder, text):
            raise _underway()
        self.promise = None

    def give_up(self) -> None:
        """Let the request be sent again; what an earlier turn has promised holds still.

        Raises:
            StorageUnavailable: If MongoDB is away.
        """
        if self._requests and self.promise:
            self._requests.release(self._key, self._holder)
        elif self._requests:
            self._requests.abandon(self._key, self._holder)


Make = Callable[[Turn], Made]
Replay = Callable[[Done], flask.Response]


@dataclass(frozen=True)
class Sent:
    """A request: whose, along which route, with which key, and what it is known by."""

    caller: Caller
    route: str
    key: str | None
    fingerprint: str

    @property
    def id(self) -> str:
        """The name under which it is kept."""
        return digest(self.caller.id, self.route, self.key or "")


def read_request(caller: Caller, *parts: str | bytes) -> Sent:
    """Return the request under way; it is the same if all these parts are.

    Raises:
        Problem: 422 if its key is none.
    """
    key = flask.request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise unprocessable(f"{HEADER} has from 1 to 255 visible characters of ASCII.")
    route = f"{flask.request.method} {flask.request.url_rule}"
    return Sent(caller, route, key, digest(flask.request.path, *parts))


def digest(*parts: str | bytes) -> str:
    """Return a hash of the parts, which no other division of the same text has."""
    whole = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        whole.update(b"%d:" % len(content))
        whole.update(content)
    return whole.hexdigest()


def answer_again(done: Done) -> flask.Response:
    """Return the answer that was given."""
    return flask.Response(
        done.body, status=done.status, headers=done.headers, content_type="application/json"
    )


class Idempotency:
    """Carries requests out, or gives the answer that they have had."""

    def __init__(self, requests: RequestLog) -> None:
        self._requests = requests

    def run(self, sent: Sent, make: Make, replay: Replay = answer_again) -> flask.Response:
        """Return the answer of `make`, or what `replay` makes of an earlier one.

        What fails is not kept: it may be sent again with the same key.

        Raises:
            Problem: 422 if another request had the key, 409 if this one is under way.
        """
        if sent.key is None:
            return make(Turn(None, "", Begun(""))).answer
        state = self._requests.begin(sent.id, sent.fingerprint)
        match state:
            case Begun():
                return self._carry_out(sent, state, make)
            case Underway():
                raise _underway()
            case Mismatch():
                raise unprocessable(
                    f"Another request had this {HEADER}; choose a new one for a new request."
                )
            case Done():
                answer = replay(state)
                answer.headers["Idempotency-Replayed"] = "true"
                return answer
            case _:
                assert_never(state)

    def _carry_out(self, sent: Sent, begun: Begun, make: Make) -> flask.Response:
        turn = Turn(self._requests, sent.id, begun)
        try:
            made = make(turn)
        except BaseException:
            self._try(turn.give_up)
            raise
        self._try(lambda: self._requests.finish(sent.id, begun.holder, _keep(made)))
        return made.answer

    def _try(self, write: Callable[[], None]) -> None:
        """The request itself is decided; without this its lease runs out, and it is made anew."""
        try:
            write()
        except StorageUnavailable as error:
            log.warning("what came of a request was not written down", error=str(error))


def _underway() -> Problem:
    return conflict("The same request is under way; wait for its answer.", "underway")


def _keep(made: Made) -> Done:
    answer = made.answer
    headers = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    body = answer.get_data(as_text=True) if made.keep_body else ""
    return Done(answer.status_code, headers, body, made.note)
