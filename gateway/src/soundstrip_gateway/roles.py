"""What a caller may do beside the usual."""

from soundstrip_gateway.tokens import Caller
from soundstrip_service.problems import Problem

USER = "user"
ADMIN = "admin"


def roles_of(caller: Caller) -> tuple[str, ...]:
    """Return the names under which settings speak of the caller."""
    return (ADMIN,) if caller.admin else (USER,)


def require_admin(caller: Caller) -> Caller:
    """Return the caller, if an administrator.

    Raises:
        Problem: 403 for everybody else.
    """
    if ADMIN not in roles_of(caller):
        detail = "This is for administrators; ask one, or for a token of one."
        raise Problem(403, "Forbidden", detail, slug="forbidden")
    return caller
