"""Becoming a user: by a letter to one's own address, with or without an invitation."""

from typing import assert_never

import flask

from soundstrip_auth.audit import Action
from soundstrip_auth.bodies import (
    Address,
    InvitationView,
    NewInvitation,
    RegistrationConfirmation,
    UserView,
    answer,
    answer_items,
    answer_nothing,
    read_body,
)
from soundstrip_auth.callers import identify_admin
from soundstrip_auth.parts import Parts, Registration
from soundstrip_auth.problems import forbidden, require_mail
from soundstrip_auth.users import User, UserExists, check_email
from soundstrip_auth.vouchers import Purpose, VoucherRefused
from soundstrip_service.problems import Problem
from soundstrip_service.scopes import Scope


def registration_routes(parts: Parts) -> flask.Blueprint:
    """Return the routes."""
    routes = flask.Blueprint("registrations", __name__)

    @routes.post("/v1/registrations")
    def request_registration() -> flask.Response:
        """Whether or not somebody has the address is looked up where the letter is written."""
        email = read_body(Address).email
        _require_open(parts.registration)
        require_mail(parts)
        check_email(email)
        parts.outbox.add(Purpose.REGISTRATION, email)
        parts.poke()
        return answer_nothing(202)

    @routes.post("/v1/registrations/confirm")
    def confirm_registration() -> flask.Response:
        user = _register(parts, read_body(RegistrationConfirmation))
        parts.audit.record(Action.USER_REGISTERED, user.id, user.id)
        return answer(UserView.of(parts.users.get(user.id)), 201)

    @routes.post("/v1/invitations")
    def invite() -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        body = read_body(NewInvitation)
        _require_invitations(parts.registration)
        check_email(body.email)
        if parts.users.find(body.email) is not None:
            raise UserExists("The e-mail belongs to a user already.")
        invitation = parts.invitations.add(body.email, body.role, by_letter=parts.sends_mail)
        parts.audit.record(Action.USER_INVITED, caller.user.id, invitation.email)
        return answer(InvitationView.of(invitation, _hand_over(parts, invitation.id)), 201)

    @routes.get("/v1/invitations")
    def index() -> flask.Response:
        identify_admin(parts, Scope.ADMIN_READ)
        return answer_items([InvitationView.of(found) for found in parts.invitations.standing()])

    @routes.delete("/v1/invitations/<invitation_id>")
    def withdraw(invitation_id: str) -> flask.Response:
        caller = identify_admin(parts, Scope.ADMIN_WRITE)
        parts.invitations.remove(invitation_id)
        parts.audit.record(Action.INVITATION_WITHDRAWN, caller.user.id, invitation_id)
        return answer_nothing()

    return routes


def _hand_over(parts: Parts, invitation_id: str) -> str | None:
    """Have the letter sent; where there is no mail, return the token for the admin instead."""
    if not parts.sends_mail:
        return parts.vouchers.make(Purpose.INVITATION, invitation_id)
    parts.poke()
    return None


def _register(parts: Parts, body: RegistrationConfirmation) -> User:
    _require_invitations(parts.registration)
    wish = (body.token, body.name, body.password)
    if parts.vouchers.find(Purpose.INVITATION, body.token) is not None:
        return parts.accounts.register(Purpose.INVITATION, *wish)
    if parts.vouchers.find(Purpose.REGISTRATION, body.token) is None:
        raise VoucherRefused
    _require_open(parts.registration)
    return parts.accounts.register(Purpose.REGISTRATION, *wish)


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
