"""Takes many files in by one request: all to the store, then to the operator as a batch."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import structlog

from soundstrip_crds.batch import ConversionBatch
from soundstrip_crds.conversion import Source
from soundstrip_gateway.apiserver import ClusterError
from soundstrip_gateway.batch_orders import build_batch, charges_of, parse_terms
from soundstrip_gateway.batches import Batches
from soundstrip_gateway.charges import Charge
from soundstrip_gateway.filenames import clean_filename
from soundstrip_gateway.forms import Event
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.idempotency import digest
from soundstrip_gateway.orders import encode_orders, source_of
from soundstrip_gateway.parcels import Parcel, Parcels
from soundstrip_gateway.promises import Keep, Promise, keep_none
from soundstrip_gateway.quotas import Ask
from soundstrip_gateway.refusals import in_file, unprocessable
from soundstrip_gateway.rooms import Ticket
from soundstrip_gateway.survey import survey
from soundstrip_gateway.tokens import Caller
from soundstrip_service.problems import Problem
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import StorageError, StorageUnavailable
from soundstrip_storage.gridfs import FileWriter, remove_file
from soundstrip_storage.intents import settle_intent
from soundstrip_storage.layout import Bucket, StoredFile

log = structlog.get_logger("soundstrip.gateway")


@dataclass(frozen=True)
class Shipment:
    """Files and fields as they come; `key` is the request's Idempotency-Key, if it has one."""

    events: Iterator[Event]
    key: str = ""
    size: int | None = None
    keep: Keep = keep_none


@dataclass(frozen=True)
class Stowed:
    """A file of which all but the document stands."""

    writer: FileWriter
    file: StoredFile


class Shipments:
    """The way in for many files at once."""

    def __init__(
        self,
        database: Documents,
        batches: Batches,
        gate: Gate,
        install: str,
        *,
        carriers: Carriers,
    ) -> None:
        self._database = database
        self._batches = batches
        self._gate = gate
        self._install = install
        self._carriers = carriers

    def take(self, caller: Caller, shipment: Shipment) -> tuple[ConversionBatch, str]:
        """Store the files, create their batch, and return it with a digest of all bytes.

        Whatever goes wrong, nothing is left: of one file that is refused, nor of the others. What
        can't be cleaned up, because the store went away, stands under its intent.

        Raises:
            Problem: What the gate refuses with; 415 or 422 for what is no media file or an empty
                one, which is named; 422 without a file.
            WishRefused: If the fields ask for what there is not.
            FormRefused: If the form can't be read, or has more files than a batch takes.
            StorageUnavailable: If MongoDB is away.
            ClusterError: If the API server is away or refuses.
        """
        ask = Ask(shipment.size or 0, largest=0)
        with self._gate.hold(caller, ask) as ticket, ExitStack() as writers:
            parcels = Parcels(shipment.events, joins=True)
            stowed = self._stow_all(parcels, ticket, writers)
            sources = tuple(self._describe(each.file) for each in stowed)
            batch = build_batch(caller, parse_terms(parcels.fields), sources, shipment.key)
            charges = charges_of(batch)
            self._charge(ticket, sources, charges)
            whole = digest_files(source.sha256 for source in sources)
            shipment.keep(Promise(sources[-1].file_id, (batch.metadata.name,), whole))
            made = self._announce(stowed, batch)
        self._batches.name_charges(made, charges)
        return made, whole

    def _stow_all(self, parcels: Parcels, ticket: Ticket, writers: ExitStack) -> list[Stowed]:
        stowed: list[Stowed] = []
        for parcel in parcels:
            if not stowed:
                parse_terms(parcels.fields)  # what came before is judged before anything is stored
            before = sum(each.file.length for each in stowed)
            try:
                stowed.append(self._stow(parcel, ticket, writers, before))
            except Problem as problem:
                name = clean_filename(parcel.start.filename)
                raise in_file(problem, len(stowed), name) from problem
        if not stowed:
            raise unprocessable("The form has no field named file.")
        return stowed

    def _stow(self, parcel: Parcel, ticket: Ticket, writers: ExitStack, before: int) -> Stowed:
        def watch(length: int) -> None:
            self._gate.watch(ticket, before + length, length)

        media_type = parcel.judge()
        writer = writers.enter_context(
            FileWriter(
                self._database,
                Bucket.SOURCES,
                install=self._install,
                owner=ticket.caller.id,
                carriers=self._carriers,
            )
        )
        return Stowed(writer, parcel.store(writer, ticket.caller, media_type, watch))

    def _describe(self, file: StoredFile) -> Source:
        return source_of(file, survey(self._database, file))

    def _charge(self, ticket: Ticket, sources: tuple[Source, ...], charges: list[Charge]) -> None:
        sizes = [source.size for source in sources]
        seconds = sum(charge.seconds or 0.0 for charge in charges)
        self._gate.confirm(ticket, Ask(sum(sizes), len(charges), seconds, largest=max(sizes)))
        for charge in charges:
            self._gate.charge(ticket, charge)

    def _announce(self, stowed: list[Stowed], batch: ConversionBatch) -> ConversionBatch:
        """The last document stands last, with the order: who finds it finds all the others."""
        *others, last = stowed
        try:
            for each in others:
                each.writer.put(each.file)
            last.writer.put(last.file, encode_orders([batch]))
            made = self._batches.create(batch)
        except (StorageError, ClusterError) as error:
            self._give_up(stowed, error)
            raise
        log.info("created", batch=made.metadata.name, files=len(stowed))
        self._settle(stowed)
        return made

    def _settle(self, stowed: list[Stowed]) -> None:
        try:
            for each in stowed:
                settle_intent(self._database, each.file.id)
        except StorageUnavailable as error:
            log.warning("intents are left for a later look", error=str(error))

    def _give_up(self, stowed: list[Stowed], cause: Exception) -> None:
        """The last file goes first: with it goes the order, which nobody takes up any more then."""
        try:
            for each in reversed(stowed):
                remove_file(self._database, Bucket.SOURCES, each.file.id)
        except StorageError as error:
            cause.add_note(f"files are left under their intents: {error}")


def digest_files(hashes: Iterator[str]) -> str:
    """Return what tells whether the same files are sent again, by their SHA-256s in order."""
    return digest(*hashes)
