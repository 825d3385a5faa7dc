"""What pages of other origins may do: nothing, unless the settings name them."""

from dataclasses import dataclass

import flask

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


@dataclass(frozen=True)
class Browsers:
    """What the settings say of browsers.

    `origins` are those whose pages may read answers (`*` for all). They never come with a cookie:
    pages of other origins send a token.
    """

    origins: frozenset[str] = frozenset()
    hsts_seconds: int = 0
    secure_cookies: bool = True


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


def install_cors(app: flask.Flask, browsers: Browsers) -> None:
    """Answer preflights of the allowed origins, and let their pages read the answers."""
    if not browsers.origins:
        return

    def answer_preflight() -> flask.Response | None:
        request = flask.request
        asks = "Access-Control-Request-Method" in request.headers
        if request.method != "OPTIONS" or not asks or _allow(request, browsers) is None:
            return None
        answer = flask.Response(status=204)
        answer.headers["Access-Control-Allow-Methods"] = _METHODS
        answer.headers["Access-Control-Allow-Headers"] = _HEADERS
        answer.headers["Access-Control-Max-Age"] = str(_MAX_AGE_SECONDS)
        return answer

    def allow(answer: flask.Response) -> flask.Response:
        answer.vary.add("Origin")
        allowed = _allow(flask.request, browsers)
        if allowed is not None:
            answer.headers["Access-Control-Allow-Origin"] = allowed
            answer.headers["Access-Control-Expose-Headers"] = ", ".join(_EXPOSED)
        return answer

    app.before_request(answer_preflight)
    app.after_request(allow)


def _allow(request: flask.Request, browsers: Browsers) -> str | None:
    origin = request.headers.get("Origin")
    if origin is None:
        return None
    if ANY in browsers.origins:
        return ANY
    return origin if origin in browsers.origins else None
