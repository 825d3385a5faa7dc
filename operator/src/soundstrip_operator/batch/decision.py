"""The one decision on a batch: from what is, to what is to be done.

Level-based, as for a conversion: its children are the record of what was selected, and the batch
owns `suspend` and `priority` of those that are unfinished.
"""

from soundstrip_crds.batch import MOST_ITEMS, BatchReason
from soundstrip_crds.conversion import VideoConversion
from soundstrip_crds.names import OWNER_LABEL
from soundstrip_operator.actions import BackOff
from soundstrip_operator.batch import story
from soundstrip_operator.batch.actions import (
    Actions,
    ChangeChild,
    CreateChild,
    LabelBatch,
    SelectSources,
    WriteStatus,
)
from soundstrip_operator.batch.line import hold_back
from soundstrip_operator.batch.situation import Situation

MOST_WRITES = 50
"""Of children, in one decision: then others come first."""


def decide(s: Situation) -> Actions:
    """Return what brings the batch nearer to its end; nothing, if it is where it should be."""
    if s.batch.metadata.deletion_timestamp is not None:
        return ()
    if s.batch.metadata.labels.get(OWNER_LABEL) != s.batch.spec.owner.id:
        return (LabelBatch(),)
    if is_latched(s):
        return s.write(story.observed(s))
    if s.is_stopping:
        return _stop(s)
    return _make(s) if s.status.total is None else _steer(s)


def is_latched(s: Situation) -> bool:
    """Say whether the outcome stands; it is never changed again."""
    succeeded = s.status.condition("Succeeded")
    return succeeded is not None and succeeded.status != "Unknown"


def _stop(s: Situation) -> Actions:
    going_on = (child for child in s.unfinished if not child.spec.cancelled)
    cancels = tuple(ChangeChild(child.metadata.name, cancelled=True) for child in going_on)
    return cancels[:MOST_WRITES] or s.write(story.told(s))


def _make(s: Situation) -> Actions:
    """Nothing is told of single conversions until all are made, but they are steered already."""
    if s.facts.refusal is not None:
        return (*s.write(story.creating(s, s.facts.refusal)), BackOff(s.facts.refusal))
    if s.sources is None:
        return (*_begin(s), SelectSources())
    if not s.children and not s.sources:
        return (WriteStatus(story.not_begun(s, BatchReason.NOTHING_SELECTED)),)
    if not s.children and len(s.sources) > MOST_ITEMS:
        return (WriteStatus(story.not_begun(s, BatchReason.TOO_MANY_SELECTED)),)
    return (*_begin(s), *_steer(s)) if s.unmade else _steer(s)


def _begin(s: Situation) -> Actions:
    return s.write(story.creating(s)) if s.status.condition("Succeeded") is None else ()


def _steer(s: Situation) -> Actions:
    """Who is held back gives the place away before another one is let go."""
    held = hold_back(s)
    wanted = [_correct(s, child, suspend=child.metadata.name in held) for child in s.unfinished]
    changes = sorted(filter(None, wanted), key=lambda change: change.suspend is not True)
    creations = (CreateChild(item, suspend=item.name in held) for item in s.unmade)
    writes: Actions = (*changes, *creations)
    return writes[:MOST_WRITES] or s.write(story.told(s))


def _correct(s: Situation, child: VideoConversion, *, suspend: bool) -> ChangeChild | None:
    name, priority = child.metadata.name, s.batch.spec.priority
    change = ChangeChild(
        name,
        suspend=None if suspend == child.spec.suspend else suspend,
        priority=None if priority == child.spec.priority else priority,
    )
    return None if change == ChangeChild(name) else change
