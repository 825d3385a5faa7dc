"""Further conversions of a source that is there already."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Annotated

import msgspec
from msgspec import Meta

from soundstrip_crds.audio import Output
from soundstrip_crds.conversion import FileId, Notify, Priority, Source, VideoConversion
from soundstrip_crds.names import BATCH_LABEL
from soundstrip_gateway.apiserver import ObjectChanged
from soundstrip_gateway.changes import Ttl
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.conversions import Conversions
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.library import Library
from soundstrip_gateway.orders import Handling, order_further, source_of
from soundstrip_gateway.outputs import OutputWish
from soundstrip_gateway.paging import Found
from soundstrip_gateway.refusals import conflict, not_found, source_gone
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.views import ConversionId, Ready, judge, state_of
from soundstrip_gateway.wishes import Wish, WishRefused, check_outputs
from soundstrip_service.tracing import TraceContext
from soundstrip_storage.history import Criteria, History
from soundstrip_storage.layout import StoredFile


class SourceRef(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """A file that you have uploaded: by a conversion of it, or by its own id; one of the two."""

    conversion: ConversionId | None = None
    file_id: FileId | None = None


class NotifyWish(Notify, frozen=True, forbid_unknown_fields=True):
    """Which messages tell the end."""


class FurtherOrder(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is to be made of a source: `output`, or several as `outputs`, each a conversion."""

    source: SourceRef
    output: OutputWish | None = None
    outputs: Annotated[list[OutputWish], Meta(min_length=1, max_length=16)] | None = None
    notify: NotifyWish = NotifyWish()
    priority: Priority = 0
    suspend: bool = False
    ttl_seconds_after_finished: Ttl | None = None

    def wish(self) -> Wish:
        """Return what is asked for.

        Raises:
            WishRefused: If the words do not go together.
        """
        if self.output is not None and self.outputs is not None:
            raise WishRefused("Give output or outputs, not both.")
        outputs = self.outputs or [self.output or OutputWish()]
        return Wish(check_outputs([o.plain for o in outputs]), Notify(email=self.notify.email))


@dataclass(frozen=True)
class Manner:
    """What may stand for a new conversion: any fit one, or one that an earlier try has made.

    `traceparent` is of the trace that it goes on with.
    """

    reuses: bool = False
    is_resumed: bool = False
    traceparent: str | None = None


@dataclass(frozen=True)
class Made:
    """A conversion, and whether it was there already."""

    found: Found
    is_reused: bool = False


class Workshop:
    """Makes conversions of sources that are there."""

    def __init__(
        self,
        cluster: Cluster,
        conversions: Conversions,
        history: History,
        library: Library,
        gate: Gate,
    ) -> None:
        self._cluster = cluster
        self._gate = gate
        self._conversions = conversions
        self._history = history
        self._library = library

    def make(self, caller: Caller, order: FurtherOrder, manner: Manner) -> list[Made]:
        """Return a conversion for each output; nothing is made unless all may be.

        If the API server goes away in between, those that stand stay, and are charged.

        Raises:
            Problem: 404 or 410 if there is no such source, 409 if there is such a conversion, and
                what the gate refuses with.
            WishRefused: If the words do not go together.
            ClusterError: If the API server is away or refuses.
        """
        wish = order.wish()
        source = self.find_source(caller, order.source)
        there = list(
            self._conversions.all_of(caller, Criteria(file_id=source.file_id, sha256=source.sha256))
        )
        chosen = [(o, self._choose(caller, o, there, manner)) for o in wish.outputs]
        handling = Handling(
            order.priority,
            order.suspend,
            order.ttl_seconds_after_finished,
            TraceContext.parse(manner.traceparent),
        )
        orders = [
            order_further(source, caller, o, wish.notify, handling)
            for o, made in chosen
            if made is None
        ]
        created = iter(self._create_all(caller, orders, source.duration_seconds))
        return [made or Made(next(created)) for _, made in chosen]

    def find_source(self, caller: Caller, ref: SourceRef) -> Source:
        """Return the caller's source.

        Raises:
            Problem: 404 if there is none, 410 if it is not kept any longer.
            WishRefused: If it is named twice, or not at all.
        """
        if (ref.conversion is None) == (ref.file_id is None):
            raise WishRefused("Name a source by conversion or by fileId, one of the two.")
        if ref.conversion is not None:
            source = self._conversions.find(caller, ref.conversion).conversion.spec.source
            if self._library.find_source(source.file_id, caller.id) is None:
                raise source_gone()
            return source
        file = self._library.find_source(ref.file_id or "", caller.id)
        if file is None:
            raise not_found("upload")
        return source_of(file, self._library.survey(file))

    def reuse(self, caller: Caller, file: StoredFile, wish: Wish) -> tuple[VideoConversion, ...]:
        """Return a conversion of the same bytes for each output; none if one of them lacks."""
        there = list(self._conversions.all_of(caller, Criteria(sha256=file.sha256)))
        fit = [self._find_fit(caller, output, there) for output in wish.outputs]
        return tuple(found.conversion for found in fit if found) if all(fit) else ()

    def _choose(
        self, caller: Caller, output: Output, there: list[Found], manner: Manner
    ) -> Made | None:
        """Return what stands for a new conversion; None if it is to be made."""
        same = [found for found in there if found.conversion.spec.output == output]
        fit = self._find_fit(caller, output, there)
        if fit and manner.reuses:
            return Made(fit, is_reused=True)
        own = [found for found in same if BATCH_LABEL not in found.conversion.metadata.labels]
        standing = next((f for f in own if f.archived_at is None or f == fit), None)
        if standing is None:
            return None
        if manner.is_resumed:
            return Made(standing)
        raise conflict(
            f"{standing.conversion.metadata.name} makes this of the same file already; retry it, "
            "delete it, or send `Prefer: reuse` to be given it.",
            "already-exists",
        )

    def _find_fit(self, caller: Caller, output: Output, there: list[Found]) -> Found | None:
        same = (found for found in there if found.conversion.spec.output == output)
        return next((found for found in same if self._is_fit(caller, found)), None)

    def _is_fit(self, caller: Caller, found: Found) -> bool:
        """Under way counts; of what has succeeded the audio must still be there."""
        outcome = judge(found.conversion)
        if isinstance(outcome, Ready):
            return self._library.find(outcome.result, caller.id) is not None
        return state_of(found.conversion) in {"queued", "running"}

    def _create_all(
        self, caller: Caller, orders: list[VideoConversion], seconds: float | None
    ) -> list[Found]:
        if not orders:
            return []
        charges = [_charge(order, seconds) for order in orders]
        made: list[Found] = []
        with self._gate.hold_further(caller, charges) as ticket:
            for order, charge in zip(orders, charges, strict=True):
                made.append(self._create(caller, order))
                ticket.keep(charge.key)
        return made

    def _create(self, caller: Caller, order: VideoConversion) -> Found:
        name = order.metadata.name
        try:
            made = self._cluster.create(order)
        except ObjectChanged as error:
            raise conflict(f"There is another conversion {name} at this moment.") from error
        self._history.replace(caller.id, name, made.metadata.uid)
        return Found(made)


def _charge(order: VideoConversion, seconds: float | None) -> Charge:
    """With a key of its own each time: one that was deleted and is made again counts again."""
    name = order.metadata.name
    return Charge(f"{name}/{token_hex(6)}", name, seconds)
