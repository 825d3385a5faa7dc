"""What a request prefers (RFC 7240)."""

import flask
from werkzeug.http import parse_list_header

REUSE = "reuse"
ABOUT = {"Prefer": "reuse: what was made of the same file is given again, if there is such a thing"}


def prefers_reuse(request: flask.Request) -> bool:
    """Say whether what was made before will do."""
    words = (part.partition(";")[0].strip().lower() for part in _parts(request))
    return REUSE in words


def _parts(request: flask.Request) -> list[str]:
    return parse_list_header(", ".join(request.headers.getlist("Prefer")))
