"""Takes an upload in: to the store while it arrives, then to the operator as a VideoConversion."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

import structlog

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.apiserver import ClusterError
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.door import check_declared, check_head, check_length
from soundstrip_gateway.filenames import clean_filename
from soundstrip_gateway.forms import Data, Event, Field, FileStart
from soundstrip_gateway.gate import Gate, Ticket
from soundstrip_gateway.mediatypes import SNIFF_BYTES
from soundstrip_gateway.orders import encode_orders, order_uploaded, source_metadata, source_of
from soundstrip_gateway.refusals import unprocessable
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


def never(_file: StoredFile, _wish: Wish) -> tuple[VideoConversion, ...]:
    """Reuse nothing."""
    return ()


@dataclass
class _Upload:
    """What is known of an upload while it arrives."""

    filename: str | None = None
    declared: str | None = None
    has_file: bool = False
    fields: dict[str, str] = field(default_factory=dict)


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

    def take(
        self,
        events: Iterator[Event],
        caller: Caller,
        read_wish: ReadWish,
        traceparent: str | None = None,
        size: int | None = None,
        *,
        reuse: Reuse = never,
    ) -> Taken:
        """Store the file and create its conversions; whatever goes wrong, nothing is left of it.

        What can't be cleaned up, because the store went away, stands under its intent. The
        conversions go on with the trace that the caller began, or that begins here. `size` is
        that of the whole request, as far as its sender has told it. If what is asked for can be
        reused, the file is dropped.

        Raises:
            Problem: What the gate refuses with, before anything is read or when it has become
                more than there is room for; 415 or 422 for what is no media file or an empty one.
            WishRefused: If the fields ask for what there is not.
            FormRefused: If the form can't be read.
            StorageUnavailable: If MongoDB is away.
            ClusterError: If the API server is away or refuses.
        """
        with (
            self._gate.hold(caller, size) as ticket,
            self._tracing.span("upload", TraceContext.parse(traceparent), Role.SERVER) as span,
        ):
            taken = self._take(events, ticket, read_wish, span.context, reuse)
            span.attributes["soundstrip.conversion"] = taken.first.metadata.name
            span.attributes["soundstrip.source.size"] = taken.first.spec.source.size
            return taken

    def _take(
        self,
        events: Iterator[Event],
        ticket: Ticket,
        read_wish: ReadWish,
        context: TraceContext | None,
        reuse: Reuse,
    ) -> Taken:
        caller, upload = ticket.caller, _Upload()
        chunks = _file_bytes(events, upload)
        head = _read_head(chunks)
        media_type = _judge_head(head, upload)
        read_wish(upload.fields)  # what came before the file is judged before the file is stored
        writer = FileWriter(
            self._database,
            Bucket.SOURCES,
            install=self._install,
            owner=caller.id,
            carriers=self._carriers,
        )
        with writer:
            for data in chain((head,), chunks):
                writer.write(data)
                self._gate.watch(ticket, writer.length)
            wish = read_wish(upload.fields)
            metadata = source_metadata(caller, media_type)
            file = writer.seal(clean_filename(upload.filename), metadata)
            if reused := reuse(file, wish):
                return Taken(reused, file.sha256, is_reused=True)
            source = source_of(file, survey(self._database, file))
            orders = order_uploaded(source, caller, wish, context)
            self._gate.confirm(ticket, file.length, source.duration_seconds, len(orders))
            for order in orders:
                self._gate.charge(ticket, order.metadata.name, source.duration_seconds)
            writer.put(file, encode_orders(orders))
        return Taken(self._announce(file, orders), file.sha256)

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


def _file_bytes(events: Iterator[Event], upload: _Upload) -> Iterator[bytes]:
    """Yield the file's bytes, and write down what else the events tell."""
    for event in events:
        match event:
            case FileStart(filename, declared):
                upload.filename, upload.declared = filename, declared
                upload.has_file = True
            case Field(name, value):
                upload.fields[name] = value
            case Data(data):
                yield data


def _read_head(chunks: Iterator[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= SNIFF_BYTES:
            break
    return head


def _judge_head(head: bytes, upload: _Upload) -> str:
    if not upload.has_file:
        raise unprocessable("The form has no field named file.")
    check_length(len(head))
    media_type = check_head(head)
    check_declared(upload.declared)
    return media_type
