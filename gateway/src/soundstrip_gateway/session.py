"""`/v1/session`: a web page logs in and out, and never sees the token."""

import time
from http import HTTPStatus

import flask
import jwt
import msgspec

from soundstrip_gateway.browsers import Browsers
from soundstrip_gateway.cookies import cookie_name
from soundstrip_gateway.legacy import log_in
from soundstrip_gateway.login import LoginDesk
from soundstrip_gateway.refusals import unauthorized, unprocessable
from soundstrip_gateway.tokens import Tokens
from soundstrip_service.operations import Answer, Operation, answer_json, describe_route


class Session(msgspec.Struct, rename="camel"):
    """Whose session it is, and for how many seconds."""

    id: str
    name: str
    expires_in: int


OPEN = Operation(
    "Begin a web page's session: the token goes into a cookie",
    "service",
    {200: Answer("Begun", Session, {"Set-Cookie": "the session"})},
    problems=(401, 403, 422),
    security=("basic", "bearer"),
)
CLOSE = Operation(
    "End a web page's session",
    "service",
    {204: Answer("Ended", headers={"Set-Cookie": "none any more"})},
    problems=(403,),
    security=(),
)


def session_routes(login: LoginDesk, tokens: Tokens, browsers: Browsers) -> flask.Blueprint:
    """Return the routes."""
    blueprint = flask.Blueprint("session", __name__)
    name = cookie_name(secure=browsers.secure_cookies)

    @blueprint.post("/v1/session")
    @describe_route(OPEN)
    def open_session() -> flask.Response:
        token = _find_token(flask.request, login)
        caller = tokens.verify(token)
        seconds = _seconds_left(token)
        answer = answer_json(Session(caller.id, caller.name, seconds))
        answer.set_cookie(
            name,
            token,
            max_age=seconds,
            path="/",
            secure=browsers.secure_cookies,
            httponly=True,
            samesite="Lax",
        )
        return answer

    @blueprint.delete("/v1/session")
    @describe_route(CLOSE)
    def close_session() -> flask.Response:
        answer = flask.Response(status=HTTPStatus.NO_CONTENT)
        answer.delete_cookie(
            name, path="/", secure=browsers.secure_cookies, httponly=True, samesite="Lax"
        )
        return answer

    return blueprint


def _find_token(request: flask.Request, login: LoginDesk) -> str:
    authorization = request.headers.get("Authorization", "")
    scheme, _, rest = authorization.partition(" ")
    match scheme.lower():
        case "basic":
            return log_in(login, authorization, request.remote_addr)
        case "bearer" if rest.strip():
            return rest.strip()
        case _:
            raise unauthorized("Send user and password by Basic authentication.", "Basic")


def _seconds_left(token: str) -> int:
    """The token has been verified already; what has no end of its own is not for a browser."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise unprocessable("A session is made of a token of /login, not of a key.") from error
    return max(0, int(claims["exp"]) - int(time.time()))
