"""Headers that tell browsers to do nothing with an answer but what it is for."""

from collections.abc import Mapping

import flask

SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer that does not say otherwise, as a page does, or a file that may be kept."""


def install_headers(app: flask.Flask, hsts_seconds: int = 0) -> None:
    """Give every answer the headers above.

    Args:
        app: The app.
        hsts_seconds: How long browsers are to use https alone, where the way to them is TLS all
            along; 0: nothing is said.
    """
    headers = dict(SECURITY_HEADERS)
    if hsts_seconds:
        headers["Strict-Transport-Security"] = f"max-age={hsts_seconds}"

    def fill_in(answer: flask.Response) -> flask.Response:
        for name, value in headers.items():
            answer.headers.setdefault(name, value)
        return answer

    app.after_request(fill_in)
