"""A session of the web page: a cookie with the token, which no script and no other site can use.

Browsers send a cookie with whatever request a page makes, so one that changes something counts
only if the browser says, or its Origin shows, that the page is our own.
"""

from urllib.parse import urlsplit

import flask

from soundstrip_service.problems import Problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NAME = "soundstrip"
_LOCKED_NAME = "__Host-soundstrip"
"""By its name, browsers take it only from this host, over https, for all paths."""


def cookie_name(*, secure: bool) -> str:
    """Return the name of the cookie that is set and believed."""
    return _LOCKED_NAME if secure else _NAME


def install_cookies(app: flask.Flask, *, secure: bool) -> None:
    """Take the session's token for the bearer token of a request that brings none itself."""

    def translate() -> None:
        request = flask.request
        token = request.cookies.get(cookie_name(secure=secure))
        if not token or "Authorization" in request.headers:
            return
        if request.method not in _SAFE and not _is_own(request):
            raise _refuse_foreign()
        request.environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"

    app.before_request(translate)


def is_own_page(site: str | None, origin: str | None, host_url: str) -> bool:
    """Say whether a request comes from a page of this host, by what no page can make browsers say.

    Old browsers send no Sec-Fetch-Site; then Origin decides. One that sends neither is no browser
    that could protect its user, and is not believed.
    """
    if site is not None:
        return site == "same-origin"
    return origin is not None and _origin_of(origin) == _origin_of(host_url)


def _is_own(request: flask.Request) -> bool:
    headers = request.headers
    return is_own_page(headers.get("Sec-Fetch-Site"), headers.get("Origin"), request.host_url)


def _origin_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _refuse_foreign() -> Problem:
    detail = (
        "A request by cookie that changes something has to come from a page of this host; "
        "others send a token as `Authorization: Bearer …`."
    )
    return Problem(403, "Forbidden", detail, slug="cross-site")
