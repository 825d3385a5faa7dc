"""The files of a request, one after the other, and each into the store while it arrives."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from soundstrip_gateway.door import check_declared, check_head, check_length
from soundstrip_gateway.filenames import clean_filename
from soundstrip_gateway.forms import Data, Event, Field, FileStart
from soundstrip_gateway.mediatypes import SNIFF_BYTES
from soundstrip_gateway.orders import source_metadata
from soundstrip_gateway.tokens import Caller
from soundstrip_storage.gridfs import FileWriter
from soundstrip_storage.layout import StoredFile


@dataclass(frozen=True)
class Parcel:
    """A file of which the first bytes have come; `chunks` are the others, as they come."""

    start: FileStart
    head: bytes
    chunks: Iterator[bytes]

    def judge(self) -> str:
        """Return the file's media type, by its first bytes.

        Raises:
            Problem: 415 or 422 if it is no media file, or an empty one.
        """
        check_length(len(self.head))
        media_type = check_head(self.head)
        check_declared(self.start.declared)
        return media_type

    def store(
        self, writer: FileWriter, caller: Caller, media_type: str, watch: Callable[[int], None]
    ) -> StoredFile:
        """Write all of the file, and return it: all but its document stands.

        `watch` is told how long it has become, and may raise.

        Raises:
            StorageUnavailable: If MongoDB is away.
        """
        for data in chain((self.head,), self.chunks):
            writer.write(data)
            watch(writer.length)
        name = clean_filename(self.start.filename)
        return writer.seal(name, source_metadata(caller, media_type))


class Parcels:
    """What comes of events: files to be iterated over, each to its end, and fields beside them."""

    def __init__(self, events: Iterator[Event], *, joins: bool = False) -> None:
        """Take the events; a field that comes again replaces the first, or joins it by a comma."""
        self.fields: dict[str, str] = {}
        """Those that have come so far."""
        self._events = events
        self._joins = joins
        self._next: FileStart | None = None

    def __iter__(self) -> Iterator[Parcel]:
        """Yield each file when it begins; raises what the events raise."""
        for _ in self._read_file():
            pass  # before the first there are fields alone
        while (start := self._next) is not None:
            self._next = None
            chunks = self._read_file()
            yield Parcel(start, _read_head(chunks), chunks)
            for _ in chunks:
                pass

    def _read_file(self) -> Iterator[bytes]:
        """Yield the bytes up to the next file's start, or the end."""
        for event in self._events:
            match event:
                case Data(data):
                    yield data
                case Field(name, value):
                    known = [self.fields[name]] if self._joins and name in self.fields else []
                    self.fields[name] = ",".join([*known, value])
                case FileStart():
                    self._next = event
                    return


def _read_head(chunks: Iterator[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= SNIFF_BYTES:
            break
    return head


def hash_files(events: Iterator[Event]) -> Iterator[str]:
    """Yield the SHA-256 of each file that the events bring; nothing is stored."""
    for parcel in Parcels(events):
        whole = hashlib.sha256(parcel.head)
        for chunk in parcel.chunks:
            whole.update(chunk)
        yield whole.hexdigest()
