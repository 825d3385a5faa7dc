"""An API's own description: OpenAPI for programs, and a page of it for people."""

from collections.abc import Iterator
from typing import Any

import flask

from soundstrip_service.openapi import About, describe_app
from soundstrip_service.operations import Answer, Operation, describe_route

_KEPT = {"Cache-Control": "public, max-age=300"}
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The page has its own style in it, and no script."""


def document_routes(about: About, base: str = "") -> flask.Blueprint:
    """Return `/openapi.json` and `/docs`; both are made when they are first asked for.

    `base` is where the API is; if it is empty, where the request was sent.
    """
    blueprint = flask.Blueprint("document", __name__, template_folder="templates")
    made: list[dict[str, Any]] = []

    def document() -> dict[str, Any]:
        if not made:
            made.append(describe_app(flask.current_app, about))
        return made[0]

    @blueprint.get("/openapi.json")
    @describe_route(
        Operation(
            "The description of this API",
            "service",
            {200: Answer("OpenAPI 3.1", dict[str, Any])},
            security=(),
        )
    )
    def openapi() -> flask.Response:
        answer = flask.jsonify(document())
        answer.headers.update(_KEPT)
        return answer

    @blueprint.get("/docs")
    @describe_route(
        Operation(
            "The same for people", "service", {200: Answer("A page", "text/html")}, security=()
        )
    )
    def docs() -> flask.Response:
        page = flask.render_template(
            "docs.html",
            api=document(),
            chapters=_chapters(document()),
            base=base or flask.request.host_url.rstrip("/"),
        )
        headers = _KEPT | {"Content-Security-Policy": _PAGE_POLICY}
        return flask.Response(page, headers=headers, content_type="text/html; charset=utf-8")

    return blueprint


def _chapters(document: dict[str, Any]) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    """Yield each tag with its operations, in the order of the tags."""
    operations = [
        {"path": path, "method": method.upper(), **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag in document["tags"]:
        yield tag, [each for each in operations if tag["name"] in each["tags"]]
