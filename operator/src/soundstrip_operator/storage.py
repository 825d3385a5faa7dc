"""What the operator asks of MongoDB, in the contract's words."""

from soundstrip_crds.conversion import Result, VideoConversion
from soundstrip_operator.situation import run_of
from soundstrip_storage.layout import StoredFile
from soundstrip_storage.ledger import Ledger


class Storage:
    """The sources and results of conversions. Every method raises StorageUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

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
        """Remove the results, and give the source back."""
        uid = conversion.metadata.uid
        await self._ledger.remove_results(uid)
        await self._ledger.release_source(conversion.spec.source.file_id, uid)


def _result(stored: StoredFile) -> Result:
    return Result(
        file_id=stored.id,
        filename=stored.filename,
        size=stored.length,
        sha256=stored.sha256,
        content_type=stored.content_type,
        duration_seconds=float(stored.metadata["durationSeconds"]),
        bitrate=int(stored.metadata["bitrate"]),
    )
