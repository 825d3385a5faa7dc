"""Becoming a user: by a letter to one's own address, with or without an invitation."""

from http import HTTPStatus
from typing import assert_never

import flask

from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import Address, NewInvitation, RegistrationConfirmation, read_body
from soundstrip_auth.callers import identify_admin
from soundstrip_auth.ids import Id
from soundstrip_auth.parts import Parts, Registration
from soundstrip_auth.problems import forbidden
from soundstrip_auth.routes.letters import order_letter
from soundstrip_auth.users import User, UserExists, check_email
from soundstrip_auth.views import Invitations, InvitationView, UserView, answer_nothing
from soundstrip_auth.vouchers import Purpose, VoucherRefused
from soundstrip_service.operations import (
    Answer,
    Body,
    Operation,
    answer_json,
    describe_route,
)
from soundstrip_service.problems import Problem
from soundstrip_service.scopes import Scope

REQUEST = Operation(
    "Have a letter sent, to become a user by",
    "registration",
    {202: Answer("Whoever reads this address's letters gets one")},
    problems=(400, 403, 413, 415, 422, 501),
    body=Body({"application/json": Address}),
    security=(),
)
CONFIRM = Operation(
    "Become a user by a letter's token",
    "registration",
    {201: Answer("You", UserView)},
    problems=(400, 403, 409, 413, 415, 422),
    body=Body({"application/json": RegistrationConfirmation}),
    security=(),
)
INVITE = Operation(
    "Invite somebody (admin)",
    "registration",
    {201: Answer("The invitation; with its token where no letter carries it", InvitationView)},
    problems=(400, 409, 413, 415, 422),
    body=Body({"application/json": NewInvitation}),
)
INDEX = Operation(
    "List the invitations (admin)",
    "registration",
    {200: Answer("All that stand, a thousand at most", Invitations)},
)
WITHDRAW = Operation(
    "Withdraw an invitation (admin)",
    "registration",
    {204: Answer("Its letter is worth nothing any more")},
    problems=(404,),
    parts={"invitation_id": Id},
)


def registration_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes, of registrations and of invitations."""
    routes = flask.Blueprint("registrations", __name__, url_prefix="/v1")
    registrations, invitations = _Registrations(parts), _Invitations(parts)
    routes.post("/registrations")(registrations.request_registration)
    routes.post("/registrations/confirm")(registrations.confirm_registration)
    routes.post("/invitations")(invitations.invite)
    routes.get("/invitations")(invitations.index)
    routes.delete("/invitations/<id:invitation_id>")(invitations.withdraw)
    return routes


class _Registrations:
    """For everybody."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(REQUEST)
    def request_registration(self) -> flask.Response:
        email = read_body(Address).email
        _require_open(self._parts.registration)
        return order_letter(self._parts, Purpose.REGISTRATION, email)

    @describe_route(CONFIRM)
    def confirm_registration(self) -> flask.Response:
        user = self._register(read_body(RegistrationConfirmation))
        self._parts.audit.record(Action.USER_REGISTERED, user.id, user.id)
        return answer_json(UserView.of(self._parts.users.get(user.id)), HTTPStatus.CREATED)

    def _register(self, body: RegistrationConfirmation) -> User:
        accounts, vouchers = self._parts.accounts, self._parts.vouchers
        _require_invitations(self._parts.registration)
        wish = (body.token, body.name, body.password)
        if vouchers.find(Purpose.INVITATION, body.token) is not None:
            return accounts.register(Purpose.INVITATION, *wish)
        if vouchers.find(Purpose.REGISTRATION, body.token) is None:
            raise VoucherRefused
        _require_open(self._parts.registration)
        return accounts.register(Purpose.REGISTRATION, *wish)


class _Invitations:
    """For admins."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @describe_route(INVITE)
    def invite(self) -> flask.Response:
        parts, caller = self._parts, identify_admin(self._parts, Scope.ADMIN_WRITE)
        body = read_body(NewInvitation)
        _require_invitations(parts.registration)
        check_email(body.email)
        if parts.users.find(body.email) is not None:
            raise UserExists("The e-mail belongs to a user already.")
        invitation = parts.invitations.add(body.email, body.role, by_letter=parts.sends_mail)
        parts.audit.record(Action.USER_INVITED, caller.user.id, invitation.email)
        view = InvitationView.of(invitation, self._hand_over(invitation.id))
        return answer_json(view, HTTPStatus.CREATED)

    @describe_route(INDEX)
    def index(self) -> flask.Response:
        identify_admin(self._parts, Scope.ADMIN_READ)
        standing = [InvitationView.of(found) for found in self._parts.invitations.standing()]
        return answer_json(Invitations(standing))

    @describe_route(WITHDRAW)
    def withdraw(self, invitation_id: str) -> flask.Response:
        caller = identify_admin(self._parts, Scope.ADMIN_WRITE)
        self._parts.invitations.remove(invitation_id)
        self._parts.audit.record(Action.INVITATION_WITHDRAWN, caller.user.id, invitation_id)
        return answer_nothing()

    def _hand_over(self, invitation_id: str) -> str | None:
        """Have the letter sent; where there is no mail, return the token for the admin instead."""
        if not self._parts.sends_mail:
            return self._parts.vouchers.make(Purpose.INVITATION, invitation_id)
        self._parts.poke()
        return None


def _require_open(registration: Registration) -> None:
    match registration:
        case Registration.OPEN:
            return
        case Registration.INVITATION:
            raise _closed("Registration is by invitation; ask an admin for one.")
        case Registration.OFF:
            raise _closed("There is no registration here (REGISTRATION); ask an admin.")
        case _:
            assert_never(registration)


def _require_invitations(registration: Registration) -> None:
    if registration is Registration.OFF:
        raise _closed("There is no registration here (REGISTRATION); an admin can make users.")


def _closed(detail: str) -> Problem:
    return forbidden(detail, "registration-closed")
