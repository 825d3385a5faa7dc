"""The routes that clients of the seed know: /login, /upload, /download."""

from http import HTTPStatus
from typing import Annotated, Literal, assert_never

import flask
import msgspec
from msgspec import Meta

from soundstrip_crds.conversion import Result
from soundstrip_gateway.callers import identify
from soundstrip_gateway.conversions import find_audio
from soundstrip_gateway.downloads import FILE_HEADERS, send_file
from soundstrip_gateway.intake import Delivery
from soundstrip_gateway.login import LoginDesk, LoginRefused
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import failed, unauthorized
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.uploads import read_form_upload
from soundstrip_gateway.views import (
    RETRY_SECONDS,
    Failed,
    LegacyView,
    Ready,
    Underway,
    describe_legacy,
    judge,
)
from soundstrip_gateway.wishes import Wish
from soundstrip_service.operations import (
    Answer,
    Body,
    File,
    Operation,
    answer_json,
    describe_route,
    read_query,
)
from soundstrip_service.problems import Problem


class Token(msgspec.Struct):
    """A token for 24 hours."""

    token: str


class LegacyUpload(msgspec.Struct):
    """A form with a file."""

    file: File


class LegacyTaken(msgspec.Struct):
    """The upload's id, to download by."""

    message: Literal["success"]
    video_fid: str


class DownloadQuery(msgspec.Struct):
    """Whose audio."""

    fid: Annotated[str, Meta(description="the upload's video_fid")] = ""


LOGIN = Operation(
    "Log in", "legacy", {200: Answer("A token", Token)}, problems=(401,), security=("basic",)
)
UPLOAD = Operation(
    "Upload a file and have it converted to MP3",
    "legacy",
    {200: Answer("Taken", LegacyTaken)},
    problems=(400, 403, 408, 413, 415, 422),
    body=Body({"multipart/form-data": LegacyUpload}),
)
DOWNLOAD = Operation(
    "Download the audio",
    "legacy",
    {
        200: Answer("The audio", "*/*", FILE_HEADERS),
        202: Answer("It is not ready yet", LegacyView, {"Retry-After": "seconds"}),
        206: Answer("A part of it", "*/*", FILE_HEADERS | {"Content-Range": "which part"}),
        304: Answer("What you have is still it"),
    },
    problems=(400, 404, 409, 410, 416),
    query=DownloadQuery,
    headers={"Range": "a single range of bytes", "If-Range": "an ETag", "If-None-Match": "ETags"},
)


def legacy_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("legacy", __name__)
    views = _Views(parts)
    blueprint.post("/login")(views.login)
    blueprint.post("/upload")(views.upload)
    blueprint.get("/download")(views.download)
    return blueprint


class _Views:
    """One method of one route each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(LOGIN)
    def login(self) -> flask.Response:
        authorization = flask.request.headers.get("Authorization", "")
        if authorization.partition(" ")[0].lower() != "basic":
            raise unauthorized("Send user and password by Basic authentication.", "Basic")
        token = log_in(self._parts.login, authorization, flask.request.remote_addr)
        return answer_json(Token(token))

    @describe_route(UPLOAD)
    def upload(self) -> flask.Response:
        parts, caller = self._parts, identify(flask.request, self._parts.tokens)
        events = read_form_upload(flask.request, parts.max_upload)
        traceparent = flask.request.headers.get("traceparent")
        with parts.lanes.lane():
            size = flask.request.content_length
            taken = parts.intake.take(caller, Delivery(events, lambda _: Wish(), size, traceparent))
        return answer_json(LegacyTaken("success", taken.first.spec.source.file_id))

    @describe_route(DOWNLOAD)
    def download(self) -> flask.Response:
        caller = identify(flask.request, self._parts.tokens)
        fid = read_query(DownloadQuery).fid
        conversion = self._parts.conversions.find(caller, fid).conversion
        outcome = judge(conversion)
        match outcome:
            case Ready(result):
                return self._send(caller, result)
            case Underway():
                later = {"Retry-After": str(RETRY_SECONDS)}
                return answer_json(describe_legacy(conversion), HTTPStatus.ACCEPTED, later)
            case Failed():
                raise failed(outcome)
            case _:
                assert_never(outcome)

    def _send(self, caller: Caller, result: Result) -> flask.Response:
        library = self._parts.library
        file = find_audio(library, caller, result)
        return self._parts.lanes.hold_until_sent(
            lambda: send_file(flask.request, file, library.read)
        )


def log_in(desk: LoginDesk, authorization: str, address: str | None) -> str:
    """Return a token for the user and password of a header that came from this address.

    Raises:
        Problem: 401, or 429 after too many attempts.
        AuthUnavailable: If the auth service does not answer.
    """
    try:
        return desk.exchange(authorization, address)
    except LoginRefused as error:
        raise _explain_refusal(error) from error


def _explain_refusal(error: LoginRefused) -> Problem:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return unauthorized("User or password is wrong.", "Basic")
    headers = {"Retry-After": error.retry_after} if error.retry_after else {}
    detail = "There were too many attempts to log in; wait a little."
    return Problem(
        error.status, "Too Many Requests", detail, slug="too-many-requests", headers=headers
    )
