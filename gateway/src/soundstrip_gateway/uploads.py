"""The body of an upload request, as events."""

from collections.abc import Iterator
from itertools import chain

import flask
from werkzeug.http import parse_options_header

from soundstrip_gateway.bodies import read_blocks
from soundstrip_gateway.forms import Event, Field, read_bare, read_form
from soundstrip_gateway.refusals import malformed

_FORM = "multipart/form-data"
_MAX_BOUNDARY = 70
"""RFC 2046, section 5.1.1."""


def is_form(request: flask.Request) -> bool:
    """Say whether the body is a form, by its declared type."""
    return request.mimetype == _FORM


def read_form_upload(request: flask.Request, limit: int, most_files: int = 1) -> Iterator[Event]:
    """Return the events of a form; nothing is read before the first is asked for.

    Raises:
        Problem: 400 if the request is no form; later what `read_blocks` and `read_form` raise.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if not is_form(request) or not 0 < len(boundary) <= _MAX_BOUNDARY:
        raise malformed(f"Send the file as the field `file` of a form ({_FORM}).")
    blocks = read_blocks(request.stream, request.content_length, limit)
    return read_form(blocks, boundary, most_files)


def read_upload(request: flask.Request, limit: int) -> Iterator[Event]:
    """Return the events of a form or of a bare file; parameters of the URL count as fields."""
    parameters = request.args.to_dict()
    filename = parameters.pop("filename", None)
    if is_form(request):
        fields = (Field(name, value) for name, value in parameters.items())
        return chain(fields, read_form_upload(request, limit))
    blocks = read_blocks(request.stream, request.content_length, limit)
    _, options = parse_options_header(request.headers.get("Content-Disposition"))
    return read_bare(
        blocks, filename or options.get("filename"), parameters, request.mimetype or None
    )
