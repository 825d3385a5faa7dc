"""What a decision on a batch looks at, and what follows from it at once."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from soundstrip_crds.batch import BatchStatus, ConversionBatch
from soundstrip_crds.conversion import Source, Spec, VideoConversion
from soundstrip_operator.batch.actions import Actions, WriteStatus
from soundstrip_operator.batch.child import UNFINISHED, State, state_of
from soundstrip_operator.batch.plan import Item, Order, Place, plan_items


@dataclass(frozen=True)
class Facts:
    """What was found out in this pass; None is not asked yet."""

    selected: tuple[Source, ...] | None = None
    refusal: str | None = None
    """Why the API server would not have the selector, or a conversion."""


@dataclass(frozen=True)
class Situation:
    """One batch at one moment. `children` are its conversions by their owner references."""

    batch: ConversionBatch
    children: tuple[VideoConversion, ...]
    now: datetime
    facts: Facts = field(default_factory=Facts)

    @property
    def status(self) -> BatchStatus:
        """The status as it stands."""
        return self.batch.status

    @cached_property
    def _order(self) -> Order:
        return Order(self.batch)

    def place(self, wanted: Item | Spec) -> Place:
        """Return the place of a conversion in the batch's order."""
        return self._order.place(wanted.source, wanted.output)

    @cached_property
    def present(self) -> tuple[VideoConversion, ...]:
        """The children that are here to stay, in the batch's order."""
        staying = (one for one in self.children if one.metadata.deletion_timestamp is None)
        return tuple(sorted(staying, key=lambda one: (self.place(one.spec), one.metadata.name)))

    @cached_property
    def unfinished(self) -> tuple[VideoConversion, ...]:
        """Those whose outcome is still to come."""
        return tuple(one for one in self.present if state_of(one) in UNFINISHED)

    @cached_property
    def failed(self) -> tuple[VideoConversion, ...]:
        """Those that came to nothing."""
        return tuple(one for one in self.present if state_of(one) is State.FAILED)

    @property
    def sources(self) -> tuple[Source, ...] | None:
        """What is to be converted; None if the selector is not looked up yet."""
        return self.facts.selected if self.batch.spec.items is None else self.batch.spec.items

    @cached_property
    def plan(self) -> tuple[Item, ...]:
        """The conversions that the batch is to have, as far as that is known."""
        return plan_items(self.batch, self.sources or ())

    @cached_property
    def unmade(self) -> tuple[Item, ...]:
        """Those that are still to be made; once all were, none is made again."""
        if self.status.total is not None or self.is_stopping:
            return ()
        made = {child.metadata.name for child in self.children}
        return tuple(item for item in self.plan if item.name not in made)

    @property
    def total(self) -> int:
        """How many conversions the batch has, or was to have."""
        if self.status.total is not None:
            return max(self.status.total, len(self.present))
        names = {item.name for item in self.plan}
        return len(names | {child.metadata.name for child in self.children})

    @property
    def is_stopping(self) -> bool:
        """Whether all that is unfinished is to be cancelled."""
        fails_fast = self.batch.spec.failure_policy == "FailFast"
        return self.batch.spec.cancelled or (fails_fast and bool(self.failed))

    def write(self, status: BatchStatus) -> Actions:
        """Return the write of a status, unless it stands already."""
        return () if status == self.status else (WriteStatus(status),)
