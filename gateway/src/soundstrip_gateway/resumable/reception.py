"""Takes uploads in that come in several requests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import msgspec
import structlog

from soundstrip_gateway.door import check_declared, check_length
from soundstrip_gateway.gate import Gate
from soundstrip_gateway.quotas import Ask
from soundstrip_gateway.refusals import too_large
from soundstrip_gateway.resumable import refusals
from soundstrip_gateway.resumable.arrival import Arrival
from soundstrip_gateway.resumable.custody import Custody, yielding
from soundstrip_gateway.resumable.keeping import hold_of, read_caller
from soundstrip_gateway.resumable.protocol import Proof, parse_about
from soundstrip_gateway.rooms import Ticket
from soundstrip_gateway.tokens import Caller
from soundstrip_gateway.wishes import parse_wish
from soundstrip_service.problems import Problem
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.connection import Documents
from soundstrip_storage.errors import StorageError
from soundstrip_storage.uploads import Upload, Uploads

_MOST_METADATA = 4096
_BROKEN_OFF = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_TIMEOUT}

log = structlog.get_logger("soundstrip.gateway")


class Reception:
    """The way in for uploads that survive a lost connection, at any replica."""

    def __init__(
        self,
        database: Documents,
        uploads: Uploads,
        custody: Custody,
        *,
        carriers: Carriers,
        gate: Gate,
        most: int,
        kept_seconds: float,
    ) -> None:
        """Take what is behind it; `most` is in bytes, an idle upload is kept so many seconds."""
        self.most = most
        self._database = database
        self._uploads = uploads
        self._custody = custody
        self._carriers = carriers
        self._gate = gate
        self._kept = timedelta(seconds=kept_seconds)

    def begin(
        self, caller: Caller, length: int | None, metadata: str, traceparent: str | None
    ) -> Upload:
        """Make an upload of which nothing has come.

        Raises:
            Problem: If it would be too large or too short, what it declares is no media, or the
                gate refuses it.
            WishRefused: If its metadata ask for what there is not.
            StorageUnavailable: If MongoDB is away.
        """
        self._check_length(length)
        if len(metadata) > _MOST_METADATA:
            raise refusals.long_metadata(_MOST_METADATA)
        about = parse_about(metadata)
        check_declared(about.declared)
        wish = parse_wish(about.fields)
        kept: dict[str, Any] = {
            "hold": uuid4().hex,
            "caller": {"name": caller.name, "email": caller.email, "admin": caller.admin},
            "filename": about.filename,
            "wish": msgspec.json.encode(wish).decode(),
            "metadata": metadata,
            "contentType": None,
            "traceparent": traceparent,
        }
        self._gate.check_open()
        expiry = self._expiry()
        self._gate.reserve(caller, kept["hold"], length or 0, expiry)
        try:
            return self._uploads.begin(caller.id, length, kept, expiry)
        except StorageError:
            self._gate.free(caller.id, kept["hold"])
            raise

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
                file is no media, 460 if the checksum is another; what the blocks raise, and what
                the gate refuses with, if the length was not told before.
            StorageUnavailable: If MongoDB is away.
            ClusterError: If the API server is away when all has come.
        """
        if upload.conversion is not None:
            return _check_offset(upload, offset)
        with yielding():
            held = self._custody.hold(upload, unproven=proof is not None)
            held, ticket = self._prepare(held, offset, length)
            if held.length is None:
                blocks = self._watch(ticket, offset, blocks)
            return self._append(held, blocks, proof)

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
            return self._custody.complete(kept, arrival.sha256) if kept.is_whole else kept
        finally:
            self._uploads.release(kept)

    def _end_early(self, held: Upload, arrival: Arrival, problem: Problem) -> None:
        """Keep what came before the client went; of what is refused nothing."""
        if problem.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
            arrival.abandon()
            self._custody.remove(held)
        elif arrival.is_checked or problem.status not in _BROKEN_OFF:
            self._discard(held, arrival)
        else:
            self._uploads.release(arrival.keep())

    def _discard(self, held: Upload, arrival: Arrival) -> None:
        arrival.abandon()
        self._uploads.renew(held)
        self._uploads.cut(held)
        self._uploads.release(held)

    def _prepare(self, held: Upload, offset: int, length: int | None) -> tuple[Upload, Ticket]:
        """Return the upload with its length, if the offset is right, and with room; or let go."""
        try:
            held = replace(_check_offset(held, offset), expires_at=self._expiry())
            if held.length is None and length is not None:
                self._check_length(length)
                held = replace(held, length=_at_least(length, offset))
            room = offset if held.length is None else held.length
            ticket = self._gate.reserve(read_caller(held), hold_of(held), room, held.expires_at)
        except Problem:
            self._uploads.release(held)
            raise
        return held, ticket

    def _watch(self, ticket: Ticket, offset: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks of an upload whose length nobody has told, as far as there is room."""
        for block in blocks:
            offset += len(block)
            self._gate.watch(ticket, offset)
            yield block
        self._gate.confirm(ticket, Ask(offset))

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
