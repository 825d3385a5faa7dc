"""A stored file as an answer: whole, in part, or only what is known of it."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import assert_never

import flask

from soundstrip_gateway.filenames import attachment, clean_filename
from soundstrip_gateway.ranges import Part, Unsatisfiable, Whole, choose_span
from soundstrip_gateway.refusals import unsatisfiable
from soundstrip_storage.layout import StoredFile

FILE_HEADERS = {
    "ETag": "the SHA-256 of the whole",
    "Accept-Ranges": "bytes",
    "Content-Disposition": "its name, as RFC 6266 says",
}
"""What OpenAPI tells of these answers."""

ReadBytes = Callable[[StoredFile, int, int], Iterator[bytes]]


def send_file(request: flask.Request, file: StoredFile, read: ReadBytes) -> flask.Response:
    """Return the answer to GET or HEAD; the ETag is the SHA-256, so it holds for ever.

    Raises:
        Problem: 416 for a range behind the end.
    """
    etag = f'"{file.sha256}"'
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }
    if request.if_none_match.contains_weak(file.sha256):
        return flask.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Disposition"] = attachment(clean_filename(file.filename))
    wanted = request.headers.get("Range") if request.method == "GET" else None
    span = choose_span(wanted, request.headers.get("If-Range"), etag, file.length)
    match span:
        case Whole():
            return _send(request, file, read, slice(0, file.length), headers)
        case Part(start, stop):
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.length}"
            return _send(request, file, read, slice(start, stop), headers)
        case Unsatisfiable():
            raise unsatisfiable(file.length)
        case _:
            assert_never(span)


def _send(
    request: flask.Request,
    file: StoredFile,
    read: ReadBytes,
    part: slice,
    headers: dict[str, str],
) -> flask.Response:
    """Nothing is read for a HEAD: to read may cost something."""
    partial = "Content-Range" in headers
    return flask.Response(
        () if request.method == "HEAD" else read(file, part.start, part.stop),
        status=HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK,
        headers=headers | {"Content-Length": str(part.stop - part.start)},
        content_type=file.content_type,
    )
