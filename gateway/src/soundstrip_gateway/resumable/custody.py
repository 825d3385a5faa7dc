"""Who has an upload, and how it comes to its end: completed, given up or expired."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import structlog

from soundstrip_gateway.apiserver import ObjectRefused
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.resumable import refusals
from soundstrip_gateway.resumable.completion import Completion
from soundstrip_gateway.resumable.keeping import hold_of
from soundstrip_service.problems import Problem
from soundstrip_storage.errors import ChunkTaken, FileDamaged, LeaseLost, StorageError
from soundstrip_storage.uploads import LEASE_SECONDS, Upload, Uploads

log = structlog.get_logger("soundstrip.gateway")


class Custody:
    """The uploads that there are. Every method raises StorageUnavailable if MongoDB is away."""

    def __init__(self, uploads: Uploads, completion: Completion, gate: Gate) -> None:
        self._uploads = uploads
        self._completion = completion
        self._gate = gate

    def hold(self, upload: Upload, *, unproven: bool = False) -> Upload:
        """Take the upload, as `Uploads.hold` does.

        Raises:
            Problem: 423 while another request is at it.
        """
        held = self._uploads.hold(upload, unproven=unproven)
        if held is None:
            raise refusals.locked()
        return held

    def complete(self, held: Upload, sha256: str | None = None) -> Upload:
        """Return the upload with what has become of it; see `Completion.complete`.

        Raises:
            Problem: 410 if what it became was deleted in between, and what the gate refuses with.
            ClusterError: If the API server is away or refuses.
        """
        try:
            return self._completion.complete(held, sha256)
        except FileDamaged as error:
            log.warning("an upload is not complete any more", file_id=held.id, error=str(error))
            self.remove(held)
            raise refusals.expired() from error

    def settle(self, upload: Upload) -> Upload:
        """Complete an upload of which all has come, if nobody is at it.

        Raises:
            Problem: As `complete`; 423 if somebody else was quicker.
            ClusterError: If the API server is away or refuses.
        """
        if upload.conversion is not None or not upload.is_whole:
            return upload
        with yielding():
            held = self._uploads.hold(upload)
            if held is None:
                return upload
            try:
                return self.complete(held) if held.is_whole else held
            finally:
                self._uploads.release(held)

    def end(self, upload: Upload) -> None:
        """Remove an upload and what has come of it; a conversion that it became stays.

        Raises:
            Problem: 423 while another request is at it.
        """
        with yielding():
            self.remove(self.hold(upload))

    def forget(self, upload: Upload) -> None:
        """Remove an upload of which nobody has been told; if that fails, it expires."""
        try:
            self.end(upload)
        except (Problem, StorageError) as error:
            log.warning("an upload is left until it expires", file_id=upload.id, error=str(error))

    def remove(self, held: Upload) -> None:
        """Remove what is held, and give up the room for it."""
        self._uploads.remove(held)
        self._gate.free(held.owner, hold_of(held))

    def look(self) -> None:
        """Remove the uploads whose time is over, and complete those that were left whole.

        Raises:
            ClusterUnavailable: If the API server is away.
        """
        now = datetime.now(UTC)
        for expired in self._uploads.find_expired(now):
            with suppress(Problem):  # a request holds it at this moment; the next round looks again
                self.end(expired)
                log.info("an upload has expired", file_id=expired.id, bytes=expired.offset)
        for left in self._uploads.find_left(now - timedelta(seconds=2 * LEASE_SECONDS)):
            self._settle_left(left)

    def _settle_left(self, left: Upload) -> None:
        """What can't be completed, by its own fault or a quota, keeps no other from being."""
        try:
            with yielding():
                held = self._uploads.hold(left)
            if held is not None:
                self._uploads.release(held)
                self.settle(held)
        except (Problem, ObjectRefused) as error:
            log.warning("an upload is not completed", file_id=left.id, error=str(error))


@contextmanager
def yielding() -> Iterator[None]:
    """Translate what shows that another request has the upload by now.

    Raises:
        Problem: 423 for it.
    """
    try:
        yield
    except (LeaseLost, ChunkTaken) as error:
        raise refusals.locked() from error
