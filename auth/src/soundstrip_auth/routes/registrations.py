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
from soundstrip_auth.invitations import InvitationUnknown
from soundstrip_auth.parts import Parts, Registration
from soundstrip_auth.problems import forbidden, require_mail
from soundstrip_auth.users import Role, User, UserExists, check_email
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
        invitation = parts.invitations.add(body.email, body.role)
        parts.audit.record(Action.USER_INVITED, caller.user.id, invitation.email)
        return answer(InvitationView.of(invitation, _send(parts, invitation.id, body.email)), 201)

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


def _send(parts: Parts, invitation_id: str, email: str) -> str | None:
    """Have the letter written; where there is no mail, return the token for the admin instead."""
    if not parts.sends_mail:
        return parts.vouchers.make(Purpose.INVITATION, invitation_id)
    parts.outbox.add(Purpose.INVITATION, email)
    parts.poke()
    return None


def _register(parts: Parts, body: RegistrationConfirmation) -> User:
    """Make the user; the letter's token is used up by the address, which only one user can have."""
    _require_invitations(parts.registration)
    invited = parts.vouchers.find(Purpose.INVITATION, body.token)
    if invited is not None:
        return _accept(parts, invited, body)
    email = parts.vouchers.find(Purpose.REGISTRATION, body.token)
    if email is None:
        raise VoucherRefused
    _require_open(parts.registration)
    user = parts.accounts.create(body.name, email, body.password, Role.USER)
    parts.vouchers.cancel(Purpose.REGISTRATION, email)
    return user


def _accept(parts: Parts, invitation_id: str, body: RegistrationConfirmation) -> User:
    try:
        invitation = parts.invitations.get(invitation_id)
    except InvitationUnknown as error:
        raise VoucherRefused from error
    user = parts.accounts.create(body.name, invitation.email, body.password, invitation.role)
    parts.invitations.remove(invitation_id)
    return user


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
