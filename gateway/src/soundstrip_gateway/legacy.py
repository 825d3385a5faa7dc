"""The routes that clients of the seed know: /login, /upload, /download."""

from http import HTTPStatus
from typing import assert_never

import flask

from soundstrip_gateway.callers import identify
from soundstrip_gateway.conversions import find_audio, find_conversion
from soundstrip_gateway.downloads import send_file
from soundstrip_gateway.login import LoginRefused
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.refusals import failed, unauthorized
from soundstrip_gateway.uploads import read_form_upload
from soundstrip_gateway.views import RETRY_SECONDS, Failed, Ready, Underway, describe_legacy, judge
from soundstrip_gateway.wishes import Wish
from soundstrip_service.problems import Problem


def legacy_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("legacy", __name__)

    @blueprint.post("/login")
    def login() -> flask.Response:
        authorization = flask.request.headers.get("Authorization", "")
        if authorization.partition(" ")[0].lower() != "basic":
            raise unauthorized("Send user and password by Basic authentication.", "Basic")
        try:
            token = parts.login.exchange(authorization)
        except LoginRefused as error:
            raise _explain_refusal(error) from error
        return _no_store(flask.jsonify(token=token))

    @blueprint.post("/upload")
    def upload() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        events = read_form_upload(flask.request, parts.max_upload)
        traceparent = flask.request.headers.get("traceparent")
        with parts.lanes.lane():
            conversion = parts.intake.take(events, caller, lambda _: Wish(), traceparent)
        return flask.jsonify(message="success", video_fid=conversion.spec.source.file_id)

    @blueprint.get("/download")
    def download() -> flask.Response:
        caller = identify(flask.request, parts.tokens)
        fid = flask.request.args.get("fid", "")
        conversion = find_conversion(parts.cluster, caller, fid)
        outcome = judge(conversion)
        match outcome:
            case Ready(result):
                file = find_audio(parts.library, caller, result)
                return parts.lanes.hold_until_sent(
                    lambda: send_file(flask.request, file, parts.library.read)
                )
            case Underway():
                answer = flask.jsonify(describe_legacy(conversion))
                answer.status_code = HTTPStatus.ACCEPTED
                answer.headers["Retry-After"] = str(RETRY_SECONDS)
                return _no_store(answer)
            case Failed():
                raise failed(outcome)
            case _:
                assert_never(outcome)

    return blueprint


def _no_store(answer: flask.Response) -> flask.Response:
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _explain_refusal(error: LoginRefused) -> Problem:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return unauthorized("User or password is wrong.", "Basic")
    headers = {"Retry-After": error.retry_after} if error.retry_after else {}
    detail = "There were too many attempts to log in; wait a little."
    return Problem(
        error.status, "Too Many Requests", detail, slug="too-many-requests", headers=headers
    )
