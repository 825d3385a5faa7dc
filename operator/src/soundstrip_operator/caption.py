"""What every log line about a conversion says of it."""

from structlog.contextvars import bind_contextvars, clear_contextvars

from soundstrip_crds.conversion import Status
from soundstrip_operator.situation import run_of, tries_of


def begin_caption(conversion: str) -> None:
    """Have the further lines of this task say the conversion's name, and nothing of another."""
    clear_contextvars()
    bind_contextvars(conversion=conversion)


def extend_caption(status: Status) -> None:
    """Have them say the run too, and the Job of its latest try if it has one."""
    tries = tries_of(status)
    bind_contextvars(run=run_of(status), **({"job": tries[-1].job} if tries else {}))
