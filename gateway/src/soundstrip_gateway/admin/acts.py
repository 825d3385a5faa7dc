"""Who may act here, and that each act leaves its entry."""

from collections.abc import Mapping
from typing import Annotated, Any

import flask
from msgspec import Meta

from soundstrip_gateway.callers import READING, identify
from soundstrip_gateway.parts import Parts
from soundstrip_gateway.tokens import Caller
from soundstrip_service.problems import request_id
from soundstrip_service.scopes import Scope

TAG = "admin"

UserId = Annotated[
    str,
    Meta(pattern="^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$", description="a user's id"),
]
"""As the CRD has it: conversions are found by it as a label."""


def identify_admin(parts: Parts) -> Caller:
    """Return the administrator whose request it is.

    Raises:
        Problem: 401 without a token, 403 for everybody else and for a token of other scopes.
    """
    reads = flask.request.method in READING
    scope = Scope.ADMIN_READ if reads else Scope.ADMIN_WRITE
    return identify(flask.request, parts.tokens, scope)


def record(
    parts: Parts, admin: Caller, action: str, target: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Write an act down, before it is done."""
    parts.office.audit.write(
        admin,
        action,
        target,
        request_id=request_id(),
        address=flask.request.remote_addr,
        detail=detail,
    )
