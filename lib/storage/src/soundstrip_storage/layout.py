"""The documents: which collections there are and what a file's document holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from bson import ObjectId
from bson.errors import InvalidId

CHUNK_SIZE = 127 * 1024
"""Bytes in a chunk of what is stored from now on; each file's document tells its own.

Half of GridFS's own default, measured: uploads and downloads are as fast, and what is fetched for
the sound among pictures is half as much. With 63 KiB whole files come more slowly.
"""

INTENTS = "intents"
ARCHIVE = "archive"
LINKS = "links"
REQUESTS = "requests"
UPLOADS = "uploads"


class Bucket(StrEnum):
    """The two GridFS buckets."""

    SOURCES = "sources"
    RESULTS = "results"

    @property
    def files(self) -> str:
        """The collection of file documents."""
        return f"{self}.files"

    @property
    def chunks(self) -> str:
        """The collection of chunks."""
        return f"{self}.chunks"


@dataclass(frozen=True)
class StoredFile:
    """A complete file: its document is written after its last chunk."""

    id: str
    filename: str
    length: int
    chunk_size: int
    uploaded_at: datetime
    metadata: Mapping[str, Any]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read a GridFS file document."""
        return cls(
            id=str(document["_id"]),
            filename=document["filename"],
            length=document["length"],
            chunk_size=document["chunkSize"],
            uploaded_at=document["uploadDate"],
            metadata=document["metadata"],
        )

    def document(self) -> dict[str, Any]:
        """Return the file as its GridFS document."""
        return {
            "_id": ObjectId(self.id),
            "filename": self.filename,
            "length": self.length,
            "chunkSize": self.chunk_size,
            "uploadDate": self.uploaded_at,
            "metadata": dict(self.metadata),
        }

    @property
    def owner(self) -> str:
        """The id of the user whose file it is."""
        return str(self.metadata["owner"])

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes, as 64 hexadecimal digits."""
        return str(self.metadata["sha256"])

    @property
    def content_type(self) -> str:
        """The media type by the file's first bytes."""
        return str(self.metadata["contentType"])

    @property
    def contact(self) -> str | None:
        """The address for e-mail about a source, if its owner left one."""
        return self.metadata.get("contact")


def parse_file_id(text: str) -> ObjectId | None:
    """Return the id if it is 24 lower-case hexadecimal digits, else None."""
    if text != text.lower():
        return None
    try:
        return ObjectId(text)
    except InvalidId:
        return None
