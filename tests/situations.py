"""Situations that a decision looks at, and what is read of its answer."""

from dataclasses import replace

from tests.conversions import (
    NOW,
    RESULT,
    Body,
    accepted_status,
    condition,
    conversion,
    ended,
    job,
    one_try,
    pod,
)

from soundstrip_crds.conversion import Result, Status, VideoConversion
from soundstrip_operator.actions import WriteStatus
from soundstrip_operator.decision import decide
from soundstrip_operator.policy import Policy
from soundstrip_operator.profiles import Profile
from soundstrip_operator.situation import Answer, Facts, Situation

RESULT_FOUND = Result(
    file_id=RESULT["fileId"],
    filename=RESULT["filename"],
    size=RESULT["size"],
    sha256=RESULT["sha256"],
    content_type=RESULT["contentType"],
    duration_seconds=RESULT["durationSeconds"],
    bitrate=RESULT["bitrate"],
)


def situation(about: VideoConversion, **parts: object) -> Situation:
    """Return the situation of a conversion that has nothing else."""
    given = Situation(conversion=about, jobs=(), pods=(), now=NOW, policy=Policy())
    return replace(given, **parts)


def trying(*tries: Body, **parts: object) -> Situation:
    """Return the situation of an accepted conversion with these tries."""
    return situation(conversion(status=accepted_status(*tries)), **parts)


def written(s: Situation) -> Status:
    """Return the status that is decided to be written."""
    return next(action.status for action in decide(s) if isinstance(action, WriteStatus))


def told(status: Status, kind: str = "Succeeded") -> tuple[str, str]:
    """Return status and reason of a condition."""
    found = status.condition(kind)
    assert found is not None, kind
    return found.status, found.reason


def latched(status: str = "True", reason: str = "Succeeded", *, notified: bool = True) -> Body:
    """Return the status of a conversion that has come to its end."""
    return {
        "observedGeneration": 1,
        "conditions": [
            condition("Succeeded", status, reason),
            condition("Finished", "True", reason),
            condition("Notified", str(notified), "Published" if notified else "Publishing"),
        ],
    }


def conversion_with(about: VideoConversion, status: Status) -> VideoConversion:
    """Return the conversion with another status."""
    return VideoConversion(metadata=about.metadata, spec=about.spec, status=status)


def failing(code: int) -> Situation:
    """Return a try whose converter ended with this code."""
    return trying(one_try(), jobs=(job(),), pods=(pod(ended(23), ended(code)),))


def profile(name: str, **spec: object) -> Profile:
    """Return a profile of the namespace."""
    return Profile.parse({"metadata": {"name": name}, "spec": spec})


def asking_for(name: str, **parts: object) -> Situation:
    """Return a conversion, its source claimed, that asks for a profile."""
    about = conversion(spec={"output": {"profile": name}})
    return situation(about, facts=Facts(source=Answer.YES), **parts)
