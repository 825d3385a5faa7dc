"""What can be said of a try."""

from dataclasses import dataclass

from soundstrip_crds.conversion import Media, Result
from soundstrip_crds.reasons import Reason


@dataclass(frozen=True)
class Underway:
    """It goes on; `recheck` is after how many seconds it must be looked at again, if at all."""

    reason: Reason = Reason.PENDING
    cause: str = ""
    recheck: float | None = None


@dataclass(frozen=True)
class Unseen:
    """Its Job has no pod, and may need asking why."""

    recheck: float


@dataclass(frozen=True)
class Missing:
    """Neither its Job nor a pod of it is to be seen."""


@dataclass(frozen=True)
class Success:
    """The mover has stored the result."""

    result: Result
    media: Media | None = None


@dataclass(frozen=True)
class Failure:
    """It has ended without a result that is known of."""

    reason: Reason
    cause: str = ""
    exit_code: int | None = None
    media: Media | None = None


Verdict = Underway | Unseen | Missing | Success | Failure
