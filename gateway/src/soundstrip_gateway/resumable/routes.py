"""The routes of resumable uploads."""

from http import HTTPStatus

import flask
from werkzeug.http import http_date

from soundstrip_gateway.addresses import UPLOADS
from soundstrip_gateway.bodies import read_blocks
from soundstrip_gateway.callers import identify
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import malformed, too_large
from soundstrip_gateway.resumable import operations, refusals
from soundstrip_gateway.resumable.protocol import (
    ALGORITHMS,
    BODY_TYPE,
    EXTENSIONS,
    VERSION,
    check_version,
    parse_length,
    parse_number,
    parse_proof,
)
from soundstrip_gateway.tokens import Caller
from soundstrip_service.operations import describe_route
from soundstrip_service.problems import Problem
from soundstrip_storage.uploads import Upload

_ONE = f"{UPLOADS}/<upload_id>"


def upload_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("uploads", __name__)
    blueprint.after_request(_tell_version)
    views = _Views(parts)
    for rule in (UPLOADS, _ONE):
        blueprint.add_url_rule(rule, view_func=views.options, methods=["OPTIONS"])
    blueprint.add_url_rule(UPLOADS, view_func=views.create, methods=["POST"])
    blueprint.add_url_rule(_ONE, view_func=views.show, methods=["HEAD"])
    blueprint.add_url_rule(_ONE, view_func=views.append, methods=["PATCH"])
    blueprint.add_url_rule(_ONE, view_func=views.end, methods=["DELETE"])
    blueprint.add_url_rule(_ONE, view_func=views.override, methods=["POST"])
    return blueprint


class _Views:
    """One method of the protocol each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._reception = parts.reception
        self._custody = parts.custody

    @describe_route(operations.OPTIONS)
    def options(self, **_: str) -> flask.Response:
        able = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(self._reception.most),
            "Tus-Checksum-Algorithm": ALGORITHMS,
        }
        return flask.Response(status=HTTPStatus.NO_CONTENT, headers=able)

    @describe_route(operations.CREATE)
    def create(self) -> flask.Response:
        caller, headers = self._identify(), flask.request.headers
        check_version(headers.get("Tus-Resumable"))
        length = parse_length(headers.get("Upload-Length"), headers.get("Upload-Defer-Length"))
        parse_proof(headers.get("Upload-Checksum"))  # before anything is made
        upload = self._reception.begin(
            caller, length, headers.get("Upload-Metadata", ""), headers.get("traceparent")
        )
        if flask.request.mimetype == BODY_TYPE:
            upload = self._append_first(upload)
        where = self._parts.addresses.upload(upload.id, flask.request.host_url)
        return self._answer(HTTPStatus.CREATED, upload, {"Location": where})

    @describe_route(operations.SHOW)
    def show(self, upload_id: str) -> flask.Response:
        upload = self._custody.settle(self._find(upload_id))
        return self._answer(HTTPStatus.OK, upload, _describe(upload))

    @describe_route(operations.APPEND)
    def append(self, upload_id: str) -> flask.Response:
        upload, headers = self._find(upload_id), flask.request.headers
        if flask.request.mimetype != BODY_TYPE:
            raise refusals.wrong_body()
        offset = parse_number("Upload-Offset", headers.get("Upload-Offset"))
        if offset is None:
            raise malformed("Send Upload-Offset.")
        length = parse_number("Upload-Length", headers.get("Upload-Length"))
        return self._answer(HTTPStatus.NO_CONTENT, self._append(upload, offset, length))

    @describe_route(operations.END)
    def end(self, upload_id: str) -> flask.Response:
        self._custody.end(self._find(upload_id))
        return flask.Response(status=HTTPStatus.NO_CONTENT)

    @describe_route(operations.OVERRIDE)
    def override(self, upload_id: str) -> flask.Response:
        """Serve clients that can send nothing but POST."""
        views = {"PATCH": self.append, "DELETE": self.end, "HEAD": self.show}
        meant = flask.request.headers.get("X-HTTP-Method-Override")
        if meant not in views:
            self._find(upload_id)
            raise malformed("Send PATCH, DELETE or HEAD, or one of them as X-HTTP-Method-Override.")
        return views[meant](upload_id)

    def _identify(self) -> Caller:
        return identify(flask.request, self._parts.tokens)

    def _find(self, upload_id: str) -> Upload:
        upload = self._reception.find(self._identify(), upload_id)
        check_version(flask.request.headers.get("Tus-Resumable"))
        return upload

    def _append_first(self, upload: Upload) -> Upload:
        """Of what is refused nothing stays: its address is told to nobody."""
        try:
            return self._append(upload, 0)
        except Problem:
            self._custody.forget(upload)
            raise

    def _append(self, upload: Upload, offset: int, length: int | None = None) -> Upload:
        request = flask.request
        whole = upload.length if upload.length is not None else length
        room = max(0, (self._reception.most if whole is None else whole) - offset)
        if (request.content_length or 0) > room:
            raise too_large(room)
        blocks = read_blocks(request.stream, request.content_length, room)
        proof = parse_proof(request.headers.get("Upload-Checksum"))
        with self._parts.lanes.lane():
            return self._reception.append(upload, offset, blocks, proof=proof, length=length)

    def _answer(
        self, status: HTTPStatus, upload: Upload, headers: dict[str, str] | None = None
    ) -> flask.Response:
        state = {
            "Upload-Offset": str(upload.offset),
            "Upload-Expires": http_date(upload.expires_at),
            "Cache-Control": "no-store",
        }
        if upload.conversion is not None:
            state["Soundstrip-Conversion"] = self._parts.addresses.conversion(upload.conversion)
        return flask.Response(status=status, headers=state | (headers or {}))


def _tell_version(answer: flask.Response) -> flask.Response:
    answer.headers["Tus-Resumable"] = VERSION
    return answer


def _describe(upload: Upload) -> dict[str, str]:
    known = {"Upload-Defer-Length": "1"}
    if upload.length is not None:
        known = {"Upload-Length": str(upload.length)}
    metadata = upload.about["metadata"]
    return known | ({"Upload-Metadata": metadata} if metadata else {})
