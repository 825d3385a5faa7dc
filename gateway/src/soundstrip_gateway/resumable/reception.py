"""Takes uploads in that come in several requests."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import msgspec
import structlog

from soundstrip_gateway.door import Admission, check_declared, check_length
from soundstrip_gateway.refusals import too_large
from soundstrip_gateway.resumable import refusals
from soundstrip_gateway.resumable.arrival import Arrival
from soundstrip_gateway.resumable.completion import Completion
from soundstrip_gateway.resumable.protocol import Proof, parse_about
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import parse_wish
from soundstrip_service.problems import Problem
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import ChunkTaken, FileDamaged, LeaseLost, StorageError
from soundstrip_storage.uploads import LEASE_SECONDS, Upload, Uploads

_MOST_METADATA = 4096
_BROKEN_OFF = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT}

log = structlog.get_logger("soundstrip.gateway")


class Reception:
    """The way in for uploads that survive a lost connection, at any replica."""

    def __init__(
        self,
        database: Documents,
        uploads: Uploads,
        completion: Completion,
        *,
        carriers: Carriers,
        admission: Admission,
        most: int,
        kept_seconds: float,
    ) -> None:
        """Take what is behind it; `most` is in bytes, an idle upload is kept so many seconds."""
        self.most = most
        self._database = database
        self._uploads = uploads
        self._completion = completion
        self._carriers = carriers
        self._admission = admission
        self._kept = timedelta(seconds=kept_seconds)

    def begin(
        self, caller: Caller, length: int | None, metadata: str, traceparent: str | None
    ) -> Upload:
        """Make an upload of which nothing has come.

        Raises:
            Problem: If it would be too large or too short, what it declares is no media, or the
                admission refuses it.
            WishRefused: If its metadata ask for what there is not.
            StorageUnavailable: If MongoDB is away.
        """
        self._check_length(length)
        if len(metadata) > _MOST_METADATA:
            raise refusals.long_metadata(_MOST_METADATA)
        about = parse_about(metadata)
        check_declared(about.declared)
        wish = parse_wish(about.fields)
        self._admission.admit(caller, length)
        kept = {
            "caller": {"name": caller.name, "email": caller.email, "admin": caller.admin},
            "filename": about.filename,
            "wish": msgspec.json.encode(wish).decode(),
            "metadata": metadata,
            "contentType": None,
            "traceparent": traceparent,
        }
        return self._uploads.begin(caller.id, length, kept, self._expiry())

    def find(self, caller: Caller, upload_id: str) -> Upload:
        """Return the caller's upload as it is now.

        Raises:
            Problem: 404 if there is none, 410 if its time is over.
            StorageUnavailable: If MongoDB is away.
        """
        upload = self._uploads.find(upload_id, caller.id)
        if upload is None:
            raise refusals.not_found()
        if upload.expires_at < datetime.now(UTC):
            raise refusals.expired()
        return upload

    def append(
        self,
        upload: Upload,
        offset: int,
        blocks: Iterator[bytes],
        *,
        proof: Proof | None = None,
        length: int | None = None,
    ) -> Upload:
        """Take the bytes from `offset` on, and complete the upload if these are the last.

        What came before a connection was lost is kept; of bytes with a checksum only all or none.

        Raises:
            Problem: 409 if the offset is another, 423 while another request is at it, 415 if the
                file is no media, 460 if the checksum is another; what the blocks raise.
            StorageUnavailable: If MongoDB is away.
            ClusterError: If the API server is away when all has come.
        """
        if upload.conversion is not None:
            return _check_offset(upload, offset)
        held = self._hold(upload, unproven=proof is not None)
        try:
            return self._append(self._prepare(held, offset, length), blocks, proof)
        except (LeaseLost, ChunkTaken) as error:
            raise refusals.locked() from error

    def settle(self, upload: Upload) -> Upload:
        """Complete an upload of which all has come, if nobody is at it.

        Raises:
            Problem: 410 if what it became was deleted in between.
            StorageUnavailable: If MongoDB is away.
            ClusterError: If the API server is away or refuses.
        """
        if upload.conversion is not None or not upload.is_whole:
            return upload
        held = self._uploads.hold(upload)
        if held is None:
            return upload
        try:
            return self._complete(held) if held.is_whole else held
        finally:
            self._uploads.release(held)

    def end(self, upload: Upload) -> None:
        """Remove an upload and what has come of it; a conversion that it became stays.

        Raises:
            Problem: 423 while another request is at it.
            StorageUnavailable: If MongoDB is away.
        """
        self._uploads.remove(self._hold(upload))

    def look(self) -> None:
        """Remove the uploads whose time is over, and complete those that were left whole.

        Raises:
            StorageError: If the store is away.
            ClusterError: If the API server is away or refuses.
        """
        now = datetime.now(UTC)
        for expired in self._uploads.find_expired(now):
            with suppress(Problem):
                self.end(expired)
                log.info("an upload has expired", file_id=expired.id, bytes=expired.offset)
        for left in self._uploads.find_left(now - timedelta(seconds=2 * LEASE_SECONDS)):
            held = self._uploads.hold(left)
            if held is not None:
                self._uploads.release(held)
                with suppress(Problem):
                    self.settle(held)

    def _append(self, held: Upload, blocks: Iterator[bytes], proof: Proof | None) -> Upload:
        arrival = Arrival(self._database, self._uploads, held, self._carriers, proof)
        try:
            arrival.take(blocks)
        except Problem as problem:
            self._end_early(held, arrival, problem)
            raise
        except StorageError:
            arrival.abandon()  # The lease lapses, and the next holder finds out what is stored.
            raise
        if not arrival.is_proven:
            self._discard(held, arrival)
            raise refusals.mismatch()
        kept = arrival.keep()
        try:
            return self._complete(kept, arrival.sha256) if kept.is_whole else kept
        finally:
            self._uploads.release(kept)

    def _end_early(self, held: Upload, arrival: Arrival, problem: Problem) -> None:
        """Keep what came before the client went; of what is refused nothing."""
        if problem.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            arrival.abandon()
            self._uploads.remove(held)
        elif arrival.is_checked or problem.status not in _BROKEN_OFF:
            self._discard(held, arrival)
        else:
            self._uploads.release(arrival.keep())

    def _discard(self, held: Upload, arrival: Arrival) -> None:
        arrival.abandon()
        self._uploads.renew(held)
        self._uploads.cut(held)
        self._uploads.release(held)

    def _complete(self, held: Upload, sha256: str | None = None) -> Upload:
        try:
            return self._completion.complete(held, sha256)
        except FileDamaged as error:
            log.warning("an upload is not complete any more", file_id=held.id, error=str(error))
            self._uploads.remove(held)
            raise refusals.expired() from error

    def _prepare(self, held: Upload, offset: int, length: int | None) -> Upload:
        """Return the upload with its length, if the offset is right; else let it go."""
        try:
            held = replace(_check_offset(held, offset), expires_at=self._expiry())
            if held.length is None and length is not None:
                self._check_length(length)
                held = replace(held, length=_at_least(length, offset))
        except Problem:
            self._uploads.release(held)
            raise
        return held

    def _hold(self, upload: Upload, *, unproven: bool = False) -> Upload:
        held = self._uploads.hold(upload, unproven=unproven)
        if held is None:
            raise refusals.locked()
        return held

    def _check_length(self, length: int | None) -> None:
        if length is None:
            return
        if length > self.most:
            raise too_large(self.most)
        check_length(length)

    def _expiry(self) -> datetime:
        return datetime.now(UTC) + self._kept


def _check_offset(upload: Upload, offset: int) -> Upload:
    if offset != upload.offset:
        raise refusals.wrong_offset(upload.offset)
    return upload


def _at_least(length: int, offset: int) -> int:
    if length < offset:
        raise refusals.wrong_offset(offset)
    return length
