"""All that a decision can ask for. The shell carries each out; doing one twice does no harm."""

from dataclasses import dataclass

from soundstrip_crds.conversion import Status


@dataclass(frozen=True)
class AdoptConversion:
    """Add our finalizer and the owner label."""


@dataclass(frozen=True)
class ClaimSource:
    """Find out whether the owner has the source, and add the conversion to its `refs`."""


@dataclass(frozen=True)
class LookUpResult:
    """Find out whether a result is stored."""


@dataclass(frozen=True)
class ConfirmJobGone:
    """Ask the API server itself for a Job that is not in the view, or not as it is by now."""

    name: str


@dataclass(frozen=True)
class LookUpWarning:
    """Find out what the Job controller says of a Job that has no pod."""

    name: str


@dataclass(frozen=True)
class RequestPlace:
    """Find out whether there is a free place among the active Jobs, and keep it."""


@dataclass(frozen=True)
class CreateJob:
    """Start a try; `growth` multiplies the worker's memory."""

    run: int
    number: int
    growth: int


@dataclass(frozen=True)
class DeleteJob:
    """Delete a Job together with its pods (in the foreground)."""

    name: str
    uid: str


@dataclass(frozen=True)
class WriteStatus:
    """Replace the status, unless the object has changed in between."""

    status: Status


@dataclass(frozen=True)
class Publish:
    """Hand the event of the conversion's end to the publisher."""


@dataclass(frozen=True)
class RemoveBlobs:
    """Remove the result, take back the claim on the source, and it too if nobody else has one."""


@dataclass(frozen=True)
class RemoveFinalizer:
    """Let the object go; `abandoned` says that its blobs are left to the sweep."""

    abandoned: bool = False


@dataclass(frozen=True)
class ArchiveConversion:
    """Write the finished conversion to the archive, as it is."""


@dataclass(frozen=True)
class ExpireConversion:
    """Take our finalizer off and delete the object, unless it has changed; its blobs stay."""


@dataclass(frozen=True)
class RequeueAfter:
    """Decide again after this many seconds, whatever happens until then."""

    seconds: float


@dataclass(frozen=True)
class BackOff:
    """Decide again later, the later the oftener it was in vain."""

    cause: str


Task = (
    AdoptConversion
    | ClaimSource
    | LookUpResult
    | ConfirmJobGone
    | LookUpWarning
    | RequestPlace
    | CreateJob
    | DeleteJob
    | WriteStatus
    | RemoveBlobs
    | RemoveFinalizer
    | ArchiveConversion
    | ExpireConversion
)
"""The actions that reach out."""

Action = Task | Publish | RequeueAfter | BackOff

Actions = tuple[Action, ...]
"""To be carried out in this order; what follows one that fails is left out."""
