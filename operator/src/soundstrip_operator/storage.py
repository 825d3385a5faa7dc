"""What the operator asks of MongoDB, in the contract's words."""

from datetime import datetime
from typing import Self

import msgspec

from soundstrip_crds.conversion import MeasuredLoudness, Result, VideoConversion
from soundstrip_operator.situation import run_of
from soundstrip_operator.view import Body
from soundstrip_storage.archive import Archive, ArchivedConversion
from soundstrip_storage.connection import AsyncDocuments
from soundstrip_storage.layout import StoredFile
from soundstrip_storage.ledger import Ledger


class Storage:
    """The sources and results of conversions. Every method raises StorageUnavailable."""

    def __init__(self, ledger: Ledger, archive: Archive, install: str) -> None:
        self._ledger = ledger
        self._archive = archive
        self._install = install

    @classmethod
    def of(cls, database: AsyncDocuments, install: str) -> Self:
        """Return those of one installation in a database."""
        return cls(Ledger(database), Archive(database), install)

    async def claim_source(self, conversion: VideoConversion) -> bool:
        """Add the conversion to its source's `refs`; False if the owner has no such source."""
        spec, uid = conversion.spec, conversion.metadata.uid
        claimed = await self._ledger.claim_source(spec.source.file_id, spec.owner.id, uid)
        return claimed is not None

    async def find_result(self, conversion: VideoConversion) -> Result | None:
        """Return the result that is stored for the conversion's run."""
        run = run_of(conversion.status)
        stored = await self._ledger.find_result(conversion.metadata.uid, run)
        return None if stored is None else _result(stored)

    async def find_contact(self, conversion: VideoConversion) -> str | None:
        """Return the owner's address; never one that another owner left."""
        stored = await self._ledger.find_source(conversion.spec.source.file_id)
        if stored is None or stored.owner != conversion.spec.owner.id:
            return None
        return stored.contact

    async def remove_blobs(self, conversion: VideoConversion) -> None:
        """Remove the results, give the source back, and forget what is archived of it."""
        uid = conversion.metadata.uid
        await self._ledger.remove_results(uid)
        await self._ledger.release_source(conversion.spec.source.file_id, uid)
        await self._archive.remove(uid)

    async def archive(self, body: Body, now: datetime) -> None:
        """Write a finished conversion to the archive, given as the API server holds it."""
        await self._archive.put(_archived(body, self._install, now))


def _archived(body: Body, install: str, now: datetime) -> ArchivedConversion:
    conversion = VideoConversion.parse(body)
    metadata = conversion.metadata
    finished = conversion.status.condition("Finished")
    if finished is None or metadata.creation_timestamp is None:
        raise ValueError(f"{metadata.name} is not finished")
    return ArchivedConversion(
        uid=metadata.uid,
        name=metadata.name,
        namespace=metadata.namespace,
        install=install,
        owner=conversion.spec.owner.id,
        labels=metadata.labels,
        spec=body["spec"],
        status=body["status"],
        created_at=metadata.creation_timestamp,
        finished_at=finished.last_transition_time,
        archived_at=now,
    )


def _result(stored: StoredFile) -> Result:
    return Result(
        file_id=stored.id,
        filename=stored.filename,
        size=stored.length,
        sha256=stored.sha256,
        content_type=stored.content_type,
        duration_seconds=float(stored.metadata["durationSeconds"]),
        bitrate=int(stored.metadata["bitrate"]),
        copied=bool(stored.metadata.get("copied")),
        loudness=msgspec.convert(stored.metadata.get("loudness"), MeasuredLoudness | None),
    )
