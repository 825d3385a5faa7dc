"""What a caller may do beside the usual."""

from soundstrip_gateway.tokens import Caller

USER = "user"
ADMIN = "admin"


def roles_of(caller: Caller) -> tuple[str, ...]:
    """Return the names under which settings speak of the caller."""
    return (ADMIN,) if caller.admin else (USER,)
