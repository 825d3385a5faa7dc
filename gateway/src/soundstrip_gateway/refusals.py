"""The answers that are errors, each made in one place."""

from http import HTTPStatus

from soundstrip_gateway.views import RETRY_SECONDS, Failed, Underway
from soundstrip_service.problems import Problem, make_problem
from soundstrip_service.scopes import Scope

RETRY_AFTER = {"Retry-After": "5"}

_NO_MEDIA = (
    "The file is no video or audio by its first bytes; "
    "upload MP4, M4V, MOV, MKV, WebM, AVI, FLV or WMV."
)


def unavailable(what: str) -> Problem:
    """Something that the gateway needs does not answer: the world's fault, worth another try."""
    detail = f"{what} Try again in a moment."
    return make_problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, RETRY_AFTER)


def too_many_streams() -> Problem:
    """The user watches as many streams of events as one may."""
    detail = "You have as many streams of events open as a user may have; close one of them."
    status = HTTPStatus.TOO_MANY_REQUESTS
    return make_problem(status, "too-many-streams", detail, RETRY_AFTER)


def unauthorized(detail: str, scheme: str) -> Problem:
    """The caller did not say, or could not prove, who is asking."""
    challenge = {"WWW-Authenticate": f'{scheme} realm="soundstrip"'}
    return make_problem(HTTPStatus.UNAUTHORIZED, "unauthorized", detail, challenge)


def beyond_scope(scope: Scope) -> Problem:
    """The token is good, but not for this (RFC 6750, 3.1)."""
    detail = f"This takes a token for {scope.value}."
    if scope.is_for_admins:
        detail = f"This takes an admin's token for {scope.value}."
    challenge = f'Bearer realm="soundstrip", error="insufficient_scope", scope="{scope.value}"'
    return make_problem(
        HTTPStatus.FORBIDDEN, "insufficient-scope", detail, {"WWW-Authenticate": challenge}
    )


def not_found(what: str = "conversion", **extensions: int) -> Problem:
    """There is no such thing, or it is somebody else's: the two look the same."""
    detail = f"You have no {what} with this id."
    return make_problem(HTTPStatus.NOT_FOUND, "not-found", detail, extensions=extensions)


def gone() -> Problem:
    """The audio was there, but its retention is over; who asks owns the conversion."""
    detail = "The audio is not kept any longer; upload the file again to convert it."
    return make_problem(HTTPStatus.GONE, "result-gone", detail)


def source_gone() -> Problem:
    """The upload was there, but its retention is over; who asks owns it."""
    detail = "The uploaded file is not kept any longer; upload it again."
    return make_problem(HTTPStatus.GONE, "source-gone", detail)


def no_link() -> Problem:
    """The link was never made, or its time is up, or it was taken back: all look the same."""
    detail = "This link opens nothing, or nothing any more; ask for a new one."
    return make_problem(HTTPStatus.NOT_FOUND, "not-found", detail)


def used_up() -> Problem:
    """The link gives out less than what is asked for."""
    detail = "This link was used as often as it may be; ask for a new one."
    return make_problem(HTTPStatus.GONE, "link-used-up", detail)


def conflict(detail: str, slug: str = "conflict") -> Problem:
    """The thing is in no state for what is asked; the detail says what would help."""
    return make_problem(HTTPStatus.CONFLICT, slug, detail)


def precondition_failed() -> Problem:
    """If-Match names a state that is not the thing's any more."""
    detail = "It has changed since you read it; read it again, and then decide."
    return make_problem(HTTPStatus.PRECONDITION_FAILED, "precondition-failed", detail)


def busy() -> Problem:
    """Others change the same thing again and again at this moment."""
    return unavailable("Others change the same at this moment.")


def malformed(detail: str) -> Problem:
    """The request can't be read."""
    return make_problem(HTTPStatus.BAD_REQUEST, "malformed-request", detail)


def unprocessable(detail: str) -> Problem:
    """The request can be read, but asks for what there is not."""
    return make_problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable", detail)


def other_files() -> Problem:
    """The request's key is known, and its files are others."""
    return unprocessable("Another file was sent with this Idempotency-Key.")


def in_file(problem: Problem, number: int, name: str) -> Problem:
    """Say of which of several files it is that a problem is told; they are counted from 0."""
    return Problem(
        problem.status,
        problem.title,
        f"{name}: {problem.detail}",
        slug=problem.slug,
        headers=problem.headers,
        extensions={**problem.extensions, "file": name, "number": number},
    )


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
    return make_problem(status, "unsatisfiable-range", detail, headers)


def unsupported_media(detail: str = _NO_MEDIA) -> Problem:
    """What is sent is no video or audio, by its first bytes or by its sender's own word."""
    return make_problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported-media", detail)


def timed_out() -> Problem:
    """The client stopped sending, or is too slow."""
    detail = "The upload stood still for too long, or came too slowly."
    return make_problem(HTTPStatus.REQUEST_TIMEOUT, "timed-out", detail)


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
