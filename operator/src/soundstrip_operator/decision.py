"""The one decision: from what is, to what is to be done.

Level-based: every event, the backstop and a restart lead here, and nothing depends on having seen
an event. Killed anywhere, the next call goes on from what then is.
"""

from typing import assert_never

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.conversion import Status
from soundstrip_crds.names import FINALIZER, OWNER_LABEL
from soundstrip_crds.reasons import BLOCKED, Reason
from soundstrip_operator import story
from soundstrip_operator.actions import (
    Actions,
    AdoptConversion,
    BackOff,
    ClaimSource,
    WriteStatus,
)
from soundstrip_operator.admission import is_accepted
from soundstrip_operator.deletion import leave
from soundstrip_operator.finishing import finish, tidy
from soundstrip_operator.profiles import Unresolved, resolve
from soundstrip_operator.situation import Answer, Situation
from soundstrip_operator.trying import judge_current, pursue
from soundstrip_operator.verdict import Failure, Success


def decide(s: Situation) -> Actions:
    """Return what brings the conversion nearer to its end; nothing, if it is where it should be."""
    if s.conversion.metadata.deletion_timestamp is not None:
        return leave(s)
    if not _is_adopted(s):
        return (AdoptConversion(),)
    if is_latched(s):
        return finish(s)
    if s.conversion.spec.run > s.run:
        return (WriteStatus(story.begun_again(s)),)
    return (*_advance(s), *tidy(s))


def is_latched(s: Situation) -> bool:
    """Say whether the outcome stands; it is never changed again."""
    succeeded = s.status.condition("Succeeded")
    return succeeded is not None and succeeded.status != "Unknown"


def _is_adopted(s: Situation) -> bool:
    metadata = s.conversion.metadata
    owner = s.conversion.spec.owner.id
    return FINALIZER in metadata.finalizers and metadata.labels.get(OWNER_LABEL) == owner


def _advance(s: Situation) -> Actions:
    if s.conversion.spec.cancelled:
        return (WriteStatus(_cancel(s)),)
    if is_accepted(s.conversion):
        return pursue(s)
    return _accept(s)


def _cancel(s: Situation) -> Status:
    """A result that is already stored is not thrown away."""
    verdict = judge_current(s)
    if isinstance(verdict, Success):
        return story.succeeded(s, verdict.result, verdict.media)
    return story.failed(s, Failure(Reason.CANCELLED))


def _accept(s: Situation) -> Actions:
    if s.facts.source is Answer.YES or _is_blocked(s):
        return _settle_output(s)
    if s.facts.source is Answer.NO:
        return (WriteStatus(story.refused(s)),)
    down = s.facts.storage_down
    if down is None:
        return (ClaimSource(),)
    return (*s.write(story.unclaimed(s, down)), BackOff(down))


def _is_blocked(s: Situation) -> bool:
    """Say whether its source is claimed, and only its output is not settled yet."""
    accepted = s.status.condition("Accepted")
    return accepted is not None and accepted.reason in BLOCKED


def _settle_output(s: Situation) -> Actions:
    output = resolve(s.conversion.spec.output, s.profiles)
    match output:
        case ResolvedOutput():
            return (WriteStatus(story.accepted(s, output)),)
        case Unresolved(cause):
            return s.write(story.blocked(s, cause))
        case _ as never:
            assert_never(never)
