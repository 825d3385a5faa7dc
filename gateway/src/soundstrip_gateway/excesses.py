"""How it is told that a quota is used up, or that nothing is taken in."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, assert_never

from soundstrip_gateway.quotas import Ask, Excess, Kind
from soundstrip_service.problems import Problem

_SOON_SECONDS = 30
_PAUSE_SECONDS = 60


def refuse_paused(reason: str) -> Problem:
    """Nothing new is taken in, by an administrator's word."""
    why = f" ({reason})" if reason else ""
    detail = f"New work is not taken in at the moment{why}; what runs goes on. Try again later."
    status = HTTPStatus.SERVICE_UNAVAILABLE
    headers = {"Retry-After": str(_PAUSE_SECONDS)}
    return Problem(status, "The intake is paused", detail, slug="intake-paused", headers=headers)


def refuse_crowd(limit: int) -> Problem:
    """As many uploads of the user are under way as may be at once."""
    detail = f"You have {limit} uploads under way; end one of them, or wait until one is through."
    status = HTTPStatus.TOO_MANY_REQUESTS
    headers = {"Retry-After": str(_SOON_SECONDS)}
    return Problem(status, "Too many uploads", detail, slug="too-many-uploads", headers=headers)


def refuse_excess(excess: Excess, ask: Ask, now: datetime) -> Problem:
    """A quota has no room for what was asked."""
    status, sentence = _explain(excess)
    extensions: dict[str, Any] = {
        "quota": str(excess.kind),
        "used": _number(excess.used),
        "limit": _number(excess.limit),
    }
    headers: dict[str, str] = {}
    asked = ask.upload_bytes if excess.kind is Kind.UPLOAD else ask.bytes
    if excess.kind in {Kind.BYTES, Kind.UPLOAD} and asked:
        extensions["asked"] = asked
    if excess.kind in {Kind.CONVERSIONS, Kind.MINUTES}:
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        extensions["resetsAt"] = midnight.isoformat().replace("+00:00", "Z")
        headers["Retry-After"] = str(int((midnight - now).total_seconds()) + 1)
    elif excess.kind is Kind.CONCURRENT:
        headers["Retry-After"] = str(_SOON_SECONDS)
    title = "A quota is used up"
    return Problem(
        status, title, sentence, slug="quota-exceeded", headers=headers, extensions=extensions
    )


def _explain(excess: Excess) -> tuple[HTTPStatus, str]:
    limit = _number(excess.limit)
    match excess.kind:
        case Kind.UPLOAD:
            sentence = f"One of your uploads may have at most {limit} bytes."
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence
        case Kind.BYTES:
            sentence = (
                f"You may store {limit} bytes, sources and results together; "
                "delete conversions that you don't need any longer."
            )
            return HTTPStatus.FORBIDDEN, sentence
        case Kind.CONVERSIONS:
            sentence = f"You may begin {limit} conversions a day; go on tomorrow (UTC)."
        case Kind.MINUTES:
            sentence = f"You may convert {limit} minutes of media a day; go on tomorrow (UTC)."
        case Kind.CONCURRENT:
            sentence = (
                f"You may have {limit} unfinished conversions; wait until one is finished, "
                "or cancel one."
            )
        case _:
            assert_never(excess.kind)
    return HTTPStatus.TOO_MANY_REQUESTS, sentence


def _number(value: float) -> float:
    """Whole numbers as such: nobody has bytes of 10.0."""
    return int(value) if float(value).is_integer() else round(value, 2)
