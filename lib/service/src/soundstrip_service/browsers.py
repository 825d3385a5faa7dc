"""What pages of other origins may do: nothing, unless the settings name them."""

from typing import Annotated

import flask
from pydantic import AfterValidator, Field

from soundstrip_service.settings import Settings

_EXPOSED = (
    "Location",
    "ETag",
    "Link",
    "Retry-After",
    "Preference-Applied",
    "Idempotency-Replayed",
    "Soundstrip-Conversion",
    "Content-Disposition",
    "Content-Range",
    "Accept-Ranges",
    "X-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Upload-Offset",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Expires",
    "Upload-Defer-Length",
    "Tus-Resumable",
    "Tus-Version",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Checksum-Algorithm",
)
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_HEADERS = (
    "Authorization, Content-Type, Content-Disposition, Idempotency-Key, Prefer, Range, If-Range, "
    "If-Match, If-None-Match, Last-Event-ID, X-Request-Id, X-HTTP-Method-Override, traceparent, "
    "Tus-Resumable, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Defer-Length, "
    "Upload-Concat, Upload-Checksum"
)
_MAX_AGE_SECONDS = 7200
ANY = "*"


def _check_origins(text: str) -> str:
    parse_origins(text)
    return text


class BrowsedSettings(Settings):
    """The settings of a service that pages in browsers talk to."""

    cors_origins: Annotated[str, AfterValidator(_check_origins)] = Field(
        "", description="origins whose pages may use the API, with commas; * for all"
    )
    hsts_seconds: int = Field(
        0, ge=0, description="tell browsers to stay with https for so long; 0: say nothing"
    )

    @property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may read answers."""
        return parse_origins(self.cors_origins)


def parse_origins(text: str) -> frozenset[str]:
    """Return the origins of a list with commas or blanks.

    Raises:
        ValueError: If one is no origin, as `https://app.example.org`.
    """
    origins = frozenset(text.replace(",", " ").split())
    for origin in origins:
        scheme, _, rest = origin.partition("://")
        if origin != ANY and (scheme not in {"http", "https"} or not rest or "/" in rest):
            raise ValueError(f"{origin} is no origin; one is as https://app.example.org")
    return origins


def install_cors(app: flask.Flask, origins: frozenset[str]) -> None:
    """Answer preflights of these origins (`*` for all), and let their pages read the answers.

    They never come with a cookie: pages of other origins send a token.
    """
    if not origins:
        return

    def answer_preflight() -> flask.Response | None:
        request = flask.request
        asks = "Access-Control-Request-Method" in request.headers
        if request.method != "OPTIONS" or not asks or _allow(request, origins) is None:
            return None
        answer = flask.Response(status=204)
        answer.headers["Access-Control-Allow-Methods"] = _METHODS
        answer.headers["Access-Control-Allow-Headers"] = _HEADERS
        answer.headers["Access-Control-Max-Age"] = str(_MAX_AGE_SECONDS)
        return answer

    def allow(answer: flask.Response) -> flask.Response:
        answer.vary.add("Origin")
        allowed = _allow(flask.request, origins)
        if allowed is not None:
            answer.headers["Access-Control-Allow-Origin"] = allowed
            answer.headers["Access-Control-Expose-Headers"] = ", ".join(_EXPOSED)
        return answer

    app.before_request(answer_preflight)
    app.after_request(allow)


def _allow(request: flask.Request, origins: frozenset[str]) -> str | None:
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    if ANY in origins:
        return ANY
    return origin if origin in origins else None
