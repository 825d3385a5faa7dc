"""The answers that are errors, each made in one place."""

from http import HTTPStatus

from soundstrip_gateway.views import RETRY_SECONDS, Failed, Underway
from soundstrip_service.problems import Problem
from soundstrip_service.scopes import Scope

RETRY_AFTER = {"Retry-After": "5"}

_NO_MEDIA = (
    "The file is no video or audio by its first bytes; "
    "upload MP4, M4V, MOV, MKV, WebM, AVI, FLV or WMV."
)


def unavailable(what: str) -> Problem:
    """Something that the gateway needs does not answer: the world's fault, worth another try."""
    detail = f"{what} Try again in a moment."
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, RETRY_AFTER)


def too_many_streams() -> Problem:
    """The user watches as many streams of events as one may."""
    detail = "You have as many streams of events open as a user may have; close one of them."
    status = HTTPStatus.TOO_MANY_REQUESTS
    return _problem(status, "too-many-streams", detail, RETRY_AFTER)


def unauthorized(detail: str, scheme: str) -> Problem:
    """The caller did not say, or could not prove, who is asking."""
    challenge = {"WWW-Authenticate": f'{scheme} realm="soundstrip"'}
    return _problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, challenge)


def beyond_scope(scope: Scope) -> Problem:
    """The token is good, but not for this (RFC 6750, 3.1)."""
    detail = f"This takes a token for {scope.value}."
    if scope.is_for_admins:
        detail = f"This takes an admin's token for {scope.value}."
    challenge = f'Bearer realm="soundstrip", error="insufficient_scope", scope="{scope.value}"'
    return _problem(
        HTTPStatus.FORBIDDEN, "insufficient-scope", detail, {"WWW-Authenticate": challenge}
    )


def not_found() -> Problem:
    """There is no such conversion, or it is somebody else's: the two look the same."""
    return _problem(HTTPStatus.NOT_FOUND, "not-found", "You have no conversion with this id.")


def gone() -> Problem:
    """The audio was there, but its retention is over; who asks owns the conversion."""
    detail = "The audio is not kept any longer; upload the file again to convert it."
    return _problem(HTTPStatus.GONE, "result-gone", detail)


def malformed(detail: str) -> Problem:
    """The request can't be read."""
    return _problem(HTTPStatus.BAD_REQUEST, "malformed-request", detail)


def unprocessable(detail: str) -> Problem:
    """The request can be read, but asks for what there is not."""
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable", detail)


def too_large(limit: int) -> Problem:
    """The body is larger than MAX_CONTENT_LENGTH."""
    detail = f"An upload may have at most {limit} bytes."
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "Upload too large",
        detail,
        slug="too-large",
        extensions={"limit": limit},
    )


def unsatisfiable(length: int) -> Problem:
    """The range begins behind the file's end (RFC 9110, section 15.5.17)."""
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    detail = f"The file has {length} bytes; the range begins behind them."
    headers = {"Content-Range": f"bytes */{length}"}
    return _problem(status, "unsatisfiable-range", detail, headers)


def unsupported_media(detail: str = _NO_MEDIA) -> Problem:
    """What is sent is no video or audio, by its first bytes or by its sender's own word."""
    return _problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media", detail)


def timed_out() -> Problem:
    """The client stopped sending, or is too slow."""
    detail = "The upload stood still for too long, or came too slowly."
    return _problem(HTTPStatus.REQUEST_TIMEOUT, "timed-out", detail)


def failed(outcome: Failed) -> Problem:
    """The conversion failed for good, so there is no audio to fetch."""
    return Problem(
        HTTPStatus.CONFLICT,
        "The conversion failed",
        outcome.message,
        slug="conversion-failed",
        extensions={"reason": outcome.reason},
    )


def unfinished(outcome: Underway) -> Problem:
    """The conversion has no audio yet."""
    return Problem(
        HTTPStatus.CONFLICT,
        "The conversion is not finished",
        outcome.message,
        slug="conversion-unfinished",
        headers={"Retry-After": str(RETRY_SECONDS)},
        extensions={"reason": outcome.reason, "state": outcome.state},
    )


def _problem(
    status: HTTPStatus, slug: str, detail: str, headers: dict[str, str] | None = None
) -> Problem:
    return Problem(status, status.phrase, detail, slug=slug, headers=headers)
