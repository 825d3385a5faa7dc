"""Errors over HTTP as RFC 9457 problem details, request ids, and the access log."""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

import flask
import structlog
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

PROBLEM_BASE = "https://soundstrip.dev/problems/"
REQUEST_ID_HEADER = "X-Request-Id"

_HIDDEN = "soundstrip_hides_path"
_PROBES = frozenset({"/livez", "/health"})
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")

log = structlog.get_logger("soundstrip.http")

View = TypeVar("View", bound=Callable[..., Any])


def hide_path(view: View) -> View:
    """Mark a view whose URL holds a secret: logs tell the route's rule in place of the path.

    It is the innermost decorator, below that of the route.
    """
    setattr(view, _HIDDEN, True)
    return view


class Problem(Exception):
    """An answer that is an error: raised anywhere below a route, told to the caller as it is."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        slug: str | None = None,
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        """Say what is wrong.

        Args:
            status: The HTTP status, 400 to 599.
            title: The kind of problem in a few words, the same for each of its kind.
            detail: A sentence about this one, and what the caller can do; no inner details.
            slug: The kind's name; `type` is then `https://soundstrip.dev/problems/<slug>`.
            headers: Further headers of the answer, such as Retry-After.
            extensions: Further members of the problem's JSON, such as a reason.
        """
        super().__init__(detail or title)
        self.status = status
        self.title = title
        self.detail = detail
        self.slug = slug
        self.headers = dict(headers or {})
        self.extensions = dict(extensions or {})


def make_problem(
    status: HTTPStatus,
    slug: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> Problem:
    """Return a problem whose title is the status' own phrase."""
    return Problem(status, status.phrase, detail, slug=slug, headers=headers, extensions=extensions)


def install_problems(app: flask.Flask) -> None:
    """Give the app problem answers for every error, request ids and an access log.

    Each answer carries X-Request-Id, taken from the request if it is sane, else made here. Each
    request leaves one line when its answer is through, without the query, without headers, and for
    views that `hide_path` marks without the path; successful probes of /livez and /health leave
    theirs at level debug.
    """
    app.before_request(_begin)
    app.after_request(_finish)
    app.register_error_handler(Problem, answer_problem)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_bug)


def answer_problem(problem: Problem) -> flask.Response:
    """Return the answer that tells the problem."""
    members: dict[str, Any] = {
        "type": PROBLEM_BASE + problem.slug if problem.slug else "about:blank",
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail:
        members["detail"] = problem.detail
    members |= {"requestId": request_id()} | problem.extensions
    response = flask.jsonify(members)
    response.status_code = problem.status
    response.content_type = "application/problem+json"
    response.headers.update(problem.headers)
    return response


def _answer_http_exception(error: HTTPException) -> flask.Response | HTTPException:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error  # a redirect, for example
    if error.response is not None:
        return error  # a whole answer that was aborted with
    headers = {k: v for k, v in error.get_headers() if k.lower() != "content-type"}
    return answer_problem(Problem(error.code, error.name, error.description or "", headers=headers))


def _answer_bug(error: Exception) -> flask.Response:
    log.error("unexpected error", exc_info=error, path=_shown_path())
    detail = "This is a fault of the service; its log has the details under the request id."
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return answer_problem(make_problem(status, "internal-error", detail))


def _begin() -> None:
    flask.g.started = time.monotonic()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def request_id() -> str:
    """Return the id of the request that is served, as its answer and the log tell it."""
    if "request_id" not in flask.g:
        offered = flask.request.headers.get(REQUEST_ID_HEADER, "")
        sane = _SANE_REQUEST_ID.fullmatch(offered)
        flask.g.request_id = offered if sane else uuid.uuid4().hex
    return str(flask.g.request_id)


def _finish(response: flask.Response) -> flask.Response:
    response.headers[REQUEST_ID_HEADER] = request_id()
    fields = {
        "request_id": request_id(),
        "method": flask.request.method,
        "path": _shown_path(),
        "status": response.status_code,
        "bytes_in": flask.request.content_length,
        "bytes_out": response.content_length,
        "remote": flask.request.remote_addr,
    }
    started = flask.g.started
    response.call_on_close(lambda: _log_access(fields, time.monotonic() - started))
    return response


def _shown_path() -> str:
    rule = flask.request.url_rule or _rule_for_another_method()
    view = flask.current_app.view_functions.get(rule.endpoint) if rule else None
    return rule.rule if rule and getattr(view, _HIDDEN, False) else flask.request.path


def _rule_for_another_method() -> Rule | None:
    """A request with a wrong method has no rule, and the same secret in its path."""
    adapter = flask.current_app.create_url_adapter(flask.request)
    methods = adapter.allowed_methods() if adapter else ()
    for method in methods:
        rule, _ = adapter.match(method=method, return_rule=True)  # type: ignore[union-attr]  # it has methods
        return rule
    return None


def _log_access(fields: dict[str, Any], seconds: float) -> None:
    quiet = fields["path"] in _PROBES and fields["status"] < HTTPStatus.BAD_REQUEST
    write = log.debug if quiet else log.info
    structlog.contextvars.clear_contextvars()
    write("request", **fields, milliseconds=round(seconds * 1000, 1))
