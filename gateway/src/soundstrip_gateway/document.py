"""The API's own description: OpenAPI for programs, and a page of it for people."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import flask

from soundstrip_gateway.addresses import Addresses
from soundstrip_service.openapi import About, describe_app
from soundstrip_service.operations import Answer, Operation, describe_route

ABOUT = About(
    title="Soundstrip",
    version=version("soundstrip-gateway"),
    description="Turns uploaded videos into audio. Errors are problem details (RFC 9457); what "
    "belongs to somebody else does not exist for you: 404.",
    schemes={
        "basic": {"type": "http", "scheme": "basic"},
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    },
    tags={
        "conversions": "Uploads, what becomes of them, and their audio.",
        "uploads": "Uploads that survive a lost connection, by tus 1.0.0.",
        "links": "Links to audio that need no token.",
        "batches": "Many uploads that are converted together.",
        "profiles": "Names that an output can be asked for by.",
        "me": "Yourself.",
        "admin": "For administrators: quotas, intake, storage, sweep, audit log.",
        "service": "Health, and this description.",
        "legacy": "The routes that clients of the seed know.",
    },
)

_KEPT = {"Cache-Control": "public, max-age=300"}
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The page has its own style in it, and no script."""


def document_routes(addresses: Addresses) -> flask.Blueprint:
    """Return `/openapi.json` and `/docs`; both are made when they are first asked for."""
    blueprint = flask.Blueprint("document", __name__, template_folder="templates")
    made: list[dict[str, Any]] = []

    def document() -> dict[str, Any]:
        if not made:
            made.append(describe_app(flask.current_app, ABOUT))
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
            base=addresses.root(flask.request.host_url),
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
