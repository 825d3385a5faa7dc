"""Makes a source and its conversion of an upload of which all bytes have come."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import structlog
from bson import ObjectId

from soundstrip_crds.conversion import VideoConversion
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.cluster import Cluster
from soundstrip_gateway.filenames import clean_filename
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.orders import encode_orders, order_uploaded, source_metadata, source_of
from soundstrip_gateway.quotas import Ask
from soundstrip_gateway.resumable.arrival import Pulse
from soundstrip_gateway.resumable.keeping import hold_of, read_caller
from soundstrip_gateway.survey import survey
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import Wish
from soundstrip_service.tracing import Role, TraceContext, Tracing
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.chunks import ChunkWriter
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import ChunkTaken
from soundstrip_storage.gridfs import find_file, put_file, read_file
from soundstrip_storage.intents import keep_order, settle_intent
from soundstrip_storage.layout import Bucket, StoredFile
from soundstrip_storage.uploads import Upload, Uploads

log = structlog.get_logger("soundstrip.gateway")


class Completion:
    """Completes uploads; whoever dies over it, the next one finds what is done already."""

    def __init__(
        self,
        database: Documents,
        uploads: Uploads,
        cluster: Cluster,
        gate: Gate,
        *,
        install: str,
        carriers: Carriers,
        tracing: Tracing,
    ) -> None:
        self._database = database
        self._uploads = uploads
        self._cluster = cluster
        self._gate = gate
        self._install = install
        self._carriers = carriers
        self._tracing = tracing

    def complete(self, held: Upload, sha256: str | None = None) -> Upload:
        """Return the upload with its conversion, which stands from now on.

        `sha256` is that of all bytes, if it is known; else they are read once more.

        Raises:
            StorageError: If the store is away, or somebody else goes on with the upload.
            FileDamaged: If chunks are gone: what was made of the upload has been deleted since.
            ClusterError: If the API server is away or refuses.
            Problem: If a quota is used up; the upload waits, whole as it is.
        """
        trace = TraceContext.parse(held.about["traceparent"])
        with self._tracing.span("upload", trace, Role.SERVER) as span:
            name = self._complete(held, sha256, span.context)
            span.attributes["soundstrip.conversion"] = name
            span.attributes["soundstrip.source.size"] = held.offset
        self._gate.free(held.owner, hold_of(held))  # the file is counted by itself
        done = replace(held, conversion=name, tail=b"")
        self._uploads.save(done)
        log.info("created", conversion=name, bytes=held.offset)
        return done

    def _complete(self, held: Upload, sha256: str | None, context: TraceContext | None) -> str:
        file = find_file(self._database, Bucket.SOURCES, held.id)
        stands = file is not None
        if file is None:
            self._store_tail(held)
            file = self._make_file(held, sha256)
        caller = read_caller(held)
        wish = msgspec.json.decode(held.about["wish"], type=Wish)
        source = source_of(file, survey(self._database, file))
        orders = order_uploaded(source, caller, wish, context)
        if not stands:
            self._put(caller, file, orders)
        if not file.metadata["refs"]:  # a claimed source has had its conversions
            for order in orders:
                self._cluster.ensure(order)
        settle_intent(self._database, held.id)
        return orders[0].metadata.name

    def _put(self, caller: Caller, file: StoredFile, orders: tuple[VideoConversion, ...]) -> None:
        """Its bytes are held already, since it was begun."""
        seconds = orders[0].spec.source.duration_seconds
        ask = Ask(None, len(orders), (seconds or 0.0) * len(orders))
        with self._gate.hold(caller, ask) as ticket:
            for name in (order.metadata.name for order in orders):
                self._gate.charge(ticket, Charge(name, name, seconds))
            keep_order(self._database, file.id, encode_orders(orders))
            put_file(self._database, Bucket.SOURCES, file)

    def _store_tail(self, held: Upload) -> None:
        if not held.tail:
            return
        key, place = ObjectId(held.id), {"first": held.chunks, "size": held.chunk_size}
        last = ChunkWriter(self._database, Bucket.SOURCES, key, self._carriers, **place)
        last.write(held.tail)
        try:
            last.finish()
        except ChunkTaken:
            log.info("the last chunk stands already", file_id=held.id)

    def _make_file(self, held: Upload, sha256: str | None) -> StoredFile:
        file = StoredFile(
            id=held.id,
            filename=clean_filename(held.about["filename"]),
            length=held.offset,
            chunk_size=held.chunk_size,
            uploaded_at=datetime.now(UTC),
            metadata={
                "install": self._install,
                "owner": held.owner,
                **source_metadata(read_caller(held), held.about["contentType"]),
            },
        )
        digest = sha256 or self._hash(held, file)
        return replace(file, metadata={**file.metadata, "sha256": digest})

    def _hash(self, held: Upload, file: StoredFile) -> str:
        """Read all that came once more: a hash that is under way can't be handed on."""
        digest, pulse = hashlib.sha256(), Pulse(self._uploads, held)
        for data in read_file(self._database, Bucket.SOURCES, file, carriers=self._carriers):
            digest.update(data)
            pulse.beat()
        return digest.hexdigest()
