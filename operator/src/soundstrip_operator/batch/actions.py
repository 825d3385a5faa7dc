"""All that a decision on a batch can ask for; doing one twice does no harm."""

from dataclasses import dataclass

from soundstrip_crds.batch import BatchStatus
from soundstrip_operator.actions import BackOff
from soundstrip_operator.batch.plan import Item


@dataclass(frozen=True)
class LabelBatch:
    """Add the owner label."""


@dataclass(frozen=True)
class SelectSources:
    """Find out which sources the selector means."""


@dataclass(frozen=True)
class CreateChild:
    """Make the conversion of an item."""

    item: Item
    suspend: bool


@dataclass(frozen=True)
class ChangeChild:
    """Change what is wanted of a conversion; None leaves it as it is."""

    name: str
    suspend: bool | None = None
    priority: int | None = None
    cancelled: bool | None = None


@dataclass(frozen=True)
class WriteStatus:
    """Replace the status, unless the batch has changed in between."""

    status: BatchStatus


Task = LabelBatch | SelectSources | CreateChild | ChangeChild | WriteStatus
"""The actions that reach out."""

Action = Task | BackOff

Actions = tuple[Action, ...]
"""To be carried out in this order; what follows one that fails is left out."""
