"""The answers that are errors, each made in one place."""

from http import HTTPStatus

from soundstrip_auth.parts import Parts
from soundstrip_service.problems import Problem, make_problem


def not_found(detail: str) -> Problem:
    """There is no such thing, or it is somebody else's: the two look the same."""
    return make_problem(HTTPStatus.NOT_FOUND, "not-found", detail)


def forbidden(detail: str, slug: str = "forbidden") -> Problem:
    """Who asks may not do this."""
    return make_problem(HTTPStatus.FORBIDDEN, slug, detail)


def unprocessable(detail: str) -> Problem:
    """The request can be read, but asks for what can't be."""
    return make_problem(HTTPStatus.UNPROCESSABLE_ENTITY, "unprocessable", detail)


def conflict(detail: str, slug: str) -> Problem:
    """The request stands against what there is."""
    return make_problem(HTTPStatus.CONFLICT, slug, detail)


def unavailable(detail: str, seconds: int) -> Problem:
    """Something that is needed is away or full: worth another try."""
    return make_problem(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", detail, _retry(seconds))


def too_many(detail: str, seconds: int) -> Problem:
    """There was too much guessing."""
    return make_problem(HTTPStatus.TOO_MANY_REQUESTS, "too-many-requests", detail, _retry(seconds))


def require_mail(parts: Parts) -> None:
    """Return if letters can be sent.

    Raises:
        Problem: 501 if not, the same for everybody.
    """
    if not parts.sends_mail:
        detail = "No mail server is set up here (GMAIL_ADDRESS, SMTP_HOST); ask an admin."
        raise make_problem(HTTPStatus.NOT_IMPLEMENTED, "mail-not-set-up", detail)


def _retry(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
