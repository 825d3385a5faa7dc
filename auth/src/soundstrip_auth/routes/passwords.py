"""Other passwords: of those who know the current one, and of those who forgot it."""

import flask

from soundstrip_auth.accounts import PasswordWrong
from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import Address, NewPassword, ResetConfirmation, read_body
from soundstrip_auth.callers import identify_person
from soundstrip_auth.origin import client_address
from soundstrip_auth.parts import Parts
from soundstrip_auth.routes.letters import order_letter
from soundstrip_auth.views import answer_nothing
from soundstrip_auth.vouchers import Purpose
from soundstrip_service.operations import Answer, Body, Operation, describe_route

CHANGE = Operation(
    "Change your password; your other sessions end",
    "passwords",
    {204: Answer("Changed")},
    problems=(400, 413, 415, 422),
    body=Body({"application/json": NewPassword}),
)
REQUEST_RESET = Operation(
    "Have a letter sent, to choose another password by",
    "passwords",
    {202: Answer("Whoever has this address gets a letter")},
    problems=(400, 413, 415, 422, 501),
    body=Body({"application/json": Address}),
    security=(),
)
CONFIRM_RESET = Operation(
    "Choose another password by a letter's token; all sessions end",
    "passwords",
    {204: Answer("Changed")},
    problems=(400, 413, 415, 422),
    body=Body({"application/json": ResetConfirmation}),
    security=(),
)


def password_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    routes = flask.Blueprint("passwords", __name__)

    @routes.post("/v1/password")
    @describe_route(CHANGE)
    def change() -> flask.Response:
        caller = identify_person(parts)
        body = read_body(NewPassword)
        passwords = (body.current_password, body.new_password)
        try:
            parts.accounts.change_password(
                caller.user, *passwords, client_address(), caller.session_id
            )
        except PasswordWrong:
            parts.audit.record(Action.LOGIN_REFUSED, caller.user.id, caller.user.id)
            raise
        parts.audit.record(Action.PASSWORD_CHANGED, caller.user.id, caller.user.id)
        return answer_nothing()

    @routes.post("/v1/password-resets")
    @describe_route(REQUEST_RESET)
    def request_reset() -> flask.Response:
        return order_letter(parts, Purpose.RESET, read_body(Address).email)

    @routes.post("/v1/password-resets/confirm")
    @describe_route(CONFIRM_RESET)
    def confirm_reset() -> flask.Response:
        body = read_body(ResetConfirmation)
        user_id = parts.accounts.reset_password(body.token, body.new_password)
        parts.audit.record(Action.PASSWORD_RESET, user_id, user_id)
        return answer_nothing()

    return routes
