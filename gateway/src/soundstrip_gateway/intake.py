"""Takes an upload in: to the store while it arrives, then to the operator as a VideoConversion."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import structlog

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.apiserver import ClusterError
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.forms import Event
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.orders import encode_orders, order_uploaded, source_of
from soundstrip_gateway.parcels import Parcel, Parcels
from soundstrip_gateway.promises import Keep, Promise, keep_none
from soundstrip_gateway.quotas import Ask
from soundstrip_gateway.refusals import unprocessable
from soundstrip_gateway.rooms import Ticket
from soundstrip_gateway.survey import survey
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import Wish
from soundstrip_service.tracing import Role, TraceContext, Tracing
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import StorageUnavailable
from soundstrip_storage.gridfs import FileWriter, remove_file
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.layout import Bucket, StoredFile

log = structlog.get_logger("soundstrip.gateway")

ReadWish = Callable[[Mapping[str, str]], Wish]
Reuse = Callable[[StoredFile, Wish], tuple[VideoConversion, ...]]
"""Returns the conversions that there are of a file with the same bytes to the same outputs."""


def never(_file: StoredFile, _wish: Wish) -> tuple[VideoConversion, ...]:
    """Reuse nothing."""
    return ()


@dataclass(frozen=True)
class Delivery:
    """An upload as it comes, and what is to become of it.

    `size` is that of the whole request, as far as its sender has told it. The conversions go on
    with the trace that the sender began, or that begins here. If what is asked for can be reused,
    the file is dropped.
    """

    events: Iterator[Event]
    read_wish: ReadWish
    size: int | None = None
    traceparent: str | None = None
    reuse: Reuse = never
    keep: Keep = keep_none


@dataclass(frozen=True)
class Taken:
    """What has become of an upload: new conversions, or those that there were already."""

    conversions: tuple[VideoConversion, ...]
    sha256: str
    is_reused: bool = False

    @property
    def first(self) -> VideoConversion:
        """The one that has the file's own name."""
        return self.conversions[0]


class Intake:
    """The way in."""

    def __init__(
        self,
        database: Documents,
        cluster: Cluster,
        install: str,
        tracing: Tracing,
        *,
        carriers: Carriers,
        gate: Gate,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._install = install
        self._tracing = tracing
        self._carriers = carriers
        self._gate = gate

    def take(self, caller: Caller, delivery: Delivery) -> Taken:
        """Store the file and create its conversions; whatever goes wrong, nothing is left of it.

        What can't be cleaned up, because the store went away, stands under its intent.

        Raises:
            Problem: What the gate refuses with, before anything is read or when it has become
                more than there is room for; 415 or 422 for what is no media file or an empty one.
            WishRefused: If the fields ask for what there is not.
            FormRefused: If the form can't be read.
            StorageUnavailable: If MongoDB is away.
            ClusterError: If the API server is away or refuses.
        """
        trace = TraceContext.parse(delivery.traceparent)
        with (
            self._gate.hold(caller, Ask(delivery.size or 0)) as ticket,
            self._tracing.span("upload", trace, Role.SERVER) as span,
        ):
            taken = self._take(ticket, delivery, span.context)
            span.attributes["soundstrip.conversion"] = taken.first.metadata.name
            span.attributes["soundstrip.source.size"] = taken.first.spec.source.size
            return taken

    def _take(self, ticket: Ticket, delivery: Delivery, context: TraceContext | None) -> Taken:
        parcels = Parcels(delivery.events)
        parcel = next(iter(parcels), None)
        if parcel is None:
            raise unprocessable("The form has no field named file.")
        media_type = parcel.judge()
        delivery.read_wish(parcels.fields)  # what came before the file is judged before the rest
        with self._open_writer(ticket.caller) as writer:
            file = self._store(writer, ticket, parcel, media_type)
            wish = delivery.read_wish(parcels.fields)
            if reused := delivery.reuse(file, wish):
                return Taken(reused, file.sha256, is_reused=True)
            source = source_of(file, survey(self._database, file))
            orders = order_uploaded(source, ticket.caller, wish, context)
            self._charge(ticket, orders)
            names = tuple(order.metadata.name for order in orders)
            delivery.keep(Promise(file.id, names, file.sha256))
            writer.put(file, encode_orders(orders))
        return Taken(self._announce(file, orders), file.sha256)

    def _open_writer(self, caller: Caller) -> FileWriter:
        return FileWriter(
            self._database,
            Bucket.SOURCES,
            install=self._install,
            owner=caller.id,
            carriers=self._carriers,
        )

    def _store(
        self, writer: FileWriter, ticket: Ticket, parcel: Parcel, media_type: str
    ) -> StoredFile:
        def watch(length: int) -> None:
            self._gate.watch(ticket, length)

        return parcel.store(writer, ticket.caller, media_type, watch)

    def _charge(self, ticket: Ticket, orders: tuple[VideoConversion, ...]) -> None:
        source = orders[0].spec.source
        seconds = source.duration_seconds
        self._gate.confirm(ticket, Ask(source.size, len(orders), (seconds or 0.0) * len(orders)))
        for order in orders:
            name = order.metadata.name
            self._gate.charge(ticket, Charge(name, name, seconds))

    def _announce(
        self, file: StoredFile, orders: tuple[VideoConversion, ...]
    ) -> tuple[VideoConversion, ...]:
        structlog.contextvars.bind_contextvars(conversion=orders[0].metadata.name)
        made: list[VideoConversion] = []
        try:
            for order in orders:
                made.append(self._cluster.create(order))  # noqa: PERF401 - what was made counts
        except ClusterError as error:
            self._give_up(file, made, error)
            raise
        log.info("created", bytes=file.length, conversions=len(made))
        try:
            settle_intent(self._database, file.id)
        except StorageUnavailable as error:
            log.warning("an intent is left for a later look", file_id=file.id, error=str(error))
        return tuple(made)

    def _give_up(self, file: StoredFile, made: list[VideoConversion], cause: ClusterError) -> None:
        """Take back what was made; of a conversion that can't be taken back, the file stays."""
        try:
            for conversion in made:
                self._cluster.delete(conversion)
            remove_file(self._database, Bucket.SOURCES, file.id)
        except (StorageUnavailable, ClusterError) as error:
            cause.add_note(f"the file {file.id} is left under its intent: {error}")
