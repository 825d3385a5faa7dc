"""Live events over HTTP: who may watch what is settled here, the rest is the live process's."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import assert_never

import flask

from soundstrip_gateway.callers import identify
from soundstrip_gateway.ids import parse_conversion_id
from soundstrip_gateway.live.backlog import Told
from soundstrip_gateway.live.handover import Booking, EventsUnavailable, can_hand_over
from soundstrip_gateway.live.sights import see
from soundstrip_gateway.live.sse import write_event
from soundstrip_gateway.live.tickets import Ticket, Verdict
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import not_found, too_many_streams
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.views import ConversionId
from soundstrip_service.operations import Answer, Operation, describe_route

_MIMETYPE = "text/event-stream"
_MAX_MARK_DIGITS = 19
_HEADERS = {"Last-Event-ID": "the last id that you saw: what has changed since comes first"}

EVENTS = Operation(
    "Watch your conversions",
    "conversions",
    {200: Answer("Events, as they happen", _MIMETYPE)},
    headers=_HEADERS,
)
CONVERSION_EVENTS = Operation(
    "Watch a conversion until its end",
    "conversions",
    {
        200: Answer("Events, as they happen", _MIMETYPE),
        204: Answer("It has come to its end, and you have seen it: don't come back"),
    },
    problems=(404,),
    parts={"conversion_id": ConversionId},
    headers=_HEADERS,
)


def live_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("live", __name__, url_prefix="/v1")

    @blueprint.get("/events")
    @describe_route(EVENTS)
    def events() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        return _watch(parts, _ticket(flask.request, caller, None), _never)

    @blueprint.get("/conversions/<conversion_id>/events")
    @describe_route(CONVERSION_EVENTS)
    def conversion_events(conversion_id: str) -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        name = parse_conversion_id(conversion_id)
        if name is None:
            raise not_found()
        ticket = _ticket(flask.request, caller, name)
        return _watch(parts, ticket, lambda: _tell_the_end(parts, caller, name, ticket.since))

    return blueprint


def _watch(
    parts: Parts, ticket: Ticket, look_up: Callable[[], flask.Response | None]
) -> flask.Response:
    if flask.request.method == "HEAD":
        look_up()
        return flask.Response(mimetype=_MIMETYPE)
    if not can_hand_over(flask.request.environ):
        raise EventsUnavailable("Live events need HTTP/1.1.")
    with parts.live.book(ticket) as booking:
        return _answer(booking, look_up)


def _answer(booking: Booking, look_up: Callable[[], flask.Response | None]) -> flask.Response:
    match booking.verdict:
        case Verdict.READY:
            return booking.hand_over()
        case Verdict.UNKNOWN:
            return look_up() or booking.hand_over()
        case Verdict.CROWDED:
            raise too_many_streams()
        case Verdict.FULL:
            raise EventsUnavailable("As many streams are open as this server takes at once.")
        case Verdict.BLIND:
            raise EventsUnavailable("The Kubernetes API has not been heard from yet.")
        case _:
            assert_never(booking.verdict)


def _tell_the_end(
    parts: Parts, caller: Caller, name: str, since: int | None
) -> flask.Response | None:
    """Return all there is to tell of a conversion that is finished; None of one that is not.

    Who has seen the end is told nothing more: 204.

    Raises:
        Problem: 404 if the caller has none of this name.
        ClusterUnavailable: If the API server does not answer.
    """
    sight = see(parts.conversions.find(caller, name).conversion, parts.addresses)
    if not sight.is_finished:
        return None
    if since is not None and 0 < sight.version <= since:
        return flask.Response(status=HTTPStatus.NO_CONTENT)
    return flask.Response(write_event(Told(sight.version, sight)), mimetype=_MIMETYPE)


def _never() -> None:
    return None


def _ticket(request: flask.Request, caller: Caller, name: str | None) -> Ticket:
    expiry = caller.expires_at
    return Ticket(
        owner=caller.id,
        name=name,
        since=parse_mark(request.headers.get("Last-Event-ID", "")),
        seconds=max(0.0, expiry - time.time()) if expiry is not None else None,
        chunked=request.environ["SERVER_PROTOCOL"] != "HTTP/1.0",
    )


def parse_mark(text: str) -> int | None:
    """Return the mark that a Last-Event-ID is; None for one that is none of ours."""
    if text.isascii() and text.isdecimal() and len(text) <= _MAX_MARK_DIGITS:
        return int(text)
    return None
