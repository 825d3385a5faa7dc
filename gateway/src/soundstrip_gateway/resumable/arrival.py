"""The bytes of one request on their way into an upload."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from bson import ObjectId

from soundstrip_gateway.door import check_head
from soundstrip_gateway.mediatypes import SNIFF_BYTES
from soundstrip_gateway.resumable.protocol import Proof
from soundstrip_storage.carriers import Carriers
from soundstrip_storage.chunks import ChunkWriter
from soundstrip_storage.connection import Documents
from soundstrip_storage.layout import Bucket
from soundstrip_storage.uploads import Upload, Uploads

_RENEWAL_SECONDS = 1.0


class Pulse:
    """Renews a lease, once a second at most."""

    def __init__(self, uploads: Uploads, held: Upload) -> None:
        self._uploads = uploads
        self._held = held
        self._renewed = time.monotonic()

    def beat(self) -> None:
        """Give a sign of life if it is time. Raises LeaseLost and StorageUnavailable."""
        if time.monotonic() - self._renewed >= _RENEWAL_SECONDS:
            self._uploads.renew(self._held)
            self._renewed = time.monotonic()


class Arrival:
    """Takes the bytes of one request; the first chunk holds what came before and filled none."""

    def __init__(
        self,
        database: Documents,
        uploads: Uploads,
        held: Upload,
        carriers: Carriers,
        proof: Proof | None,
    ) -> None:
        key, place = ObjectId(held.id), {"first": held.chunks, "size": held.chunk_size}
        self._chunks = ChunkWriter(database, Bucket.SOURCES, key, carriers, **place)
        self._chunks.write(held.tail)
        self._carriers = carriers
        self._uploads = uploads
        self._held = held
        self._proof = proof
        self._pulse = Pulse(uploads, held)
        self._count = 0
        self._hash = hashlib.sha256() if held.offset == 0 else None

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the whole file, if all of it came by this request."""
        return self._hash.hexdigest() if self._hash else None

    @property
    def is_proven(self) -> bool:
        """Whether what came is what its checksum says, if there is one."""
        return self._proof is None or self._proof.holds

    @property
    def is_checked(self) -> bool:
        """Whether there is a checksum."""
        return self._proof is not None

    def take(self, blocks: Iterator[bytes]) -> None:
        """Take all blocks.

        Raises:
            Problem: 415 if the first of them tell that the file is no media; what the blocks raise.
            StorageError: If they can't be stored, or somebody else goes on with the upload.
        """
        with self._carriers.writer():
            for block in self._judge(blocks):
                self._take(block)
                self._pulse.beat()

    def _take(self, block: bytes) -> None:
        self._chunks.write(block)
        self._count += len(block)
        if self._hash:
            self._hash.update(block)
        if self._proof:
            self._proof.update(block)

    def keep(self) -> Upload:
        """Store all that came, and write down how far the upload is. Raises StorageError."""
        self._uploads.renew(self._held)  # Nothing is stored for one who has lost the lease.
        self._chunks.flush()
        offset = self._held.offset + self._count
        self._held = replace(self._held, offset=offset, tail=self._chunks.pending)
        self._uploads.save(self._held)
        return self._held

    def abandon(self) -> None:
        """Return when nothing of this is being stored any more."""
        self._chunks.abandon()

    def _judge(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Return the blocks; those that tell what the file is are looked at together.

        What it is, is written down at once: whoever goes on after this holder's death sees only
        later bytes.
        """
        held = self._held
        if held.offset >= SNIFF_BYTES:
            return blocks
        first = b""
        for block in blocks:
            first += block
            if len(held.tail) + len(first) >= SNIFF_BYTES:
                break
        head = held.tail + first
        if len(head) >= SNIFF_BYTES or held.offset + len(first) == held.length:
            self._held = replace(held, about={**held.about, "contentType": check_head(head)})
            if self._proof is None:
                self._uploads.save(self._held)
        return chain((first,), blocks)
