"""An upload as a stream of events, whether it came as a form or as the bare file.

A form may hold several files, if its reader says so; they come one after the other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from multipart import MultipartError, MultipartSegment, PushMultipartParser

FILE_FIELD = "file"

_MAX_FIELDS = 39
_MAX_FIELD_BYTES = 1024


class FormRefused(ValueError):
    """The body is no form that can be read, or not one with a file."""


@dataclass(frozen=True)
class FileStart:
    """A file begins; its name and its media type are the client's word."""

    filename: str | None
    declared: str | None = None


@dataclass(frozen=True)
class Data:
    """The next bytes of the file that has begun last."""

    data: bytes


@dataclass(frozen=True)
class Field:
    """A whole field beside the files."""

    name: str
    value: str


Event = FileStart | Data | Field


def read_bare(
    blocks: Iterable[bytes],
    filename: str | None,
    fields: Mapping[str, str],
    declared: str | None = None,
) -> Iterator[Event]:
    """Yield the events of a body that is the file itself; the fields came with the URL."""
    yield from (Field(name, value) for name, value in fields.items())
    yield FileStart(filename, declared)
    yield from (Data(block) for block in blocks)


def read_form(blocks: Iterable[bytes], boundary: str, most_files: int = 1) -> Iterator[Event]:
    """Yield the events of a multipart/form-data body (RFC 7578), however it is cut into blocks.

    Raises:
        FormRefused: If it is malformed, ends early or has too many files or oversized fields.
    """
    parser = PushMultipartParser(boundary, max_segment_count=_MAX_FIELDS + most_files)
    assembly = _Assembly(most_files)
    try:
        for block in blocks:
            for part in parser.parse(block):
                yield from assembly.take(part)
        parser.close()
    except MultipartError as error:
        raise FormRefused(f"The form can't be read: {error}.") from error


class _Assembly:
    """Puts the pieces of one segment after the other together."""

    def __init__(self, most_files: int) -> None:
        self._field: str | None = None
        self._value = bytearray()
        self._files = 0
        self._most_files = most_files

    def take(self, part: MultipartSegment | bytes | None) -> Iterator[Event]:
        """Yield what this piece completes: a start, its bytes, or None at a segment's end."""
        if isinstance(part, MultipartSegment):
            yield from self._begin(part)
        elif part is None:
            yield from self._end()
        elif self._field is None:
            yield Data(bytes(part))
        else:
            self._collect(part)

    def _begin(self, segment: MultipartSegment) -> Iterator[Event]:
        if segment.name != FILE_FIELD:
            self._begin_field(segment)
            return
        if self._files == self._most_files:
            raise FormRefused(_too_many(self._most_files))
        self._field, self._files = None, self._files + 1
        declared = segment.header("Content-Type", "").partition(";")[0].strip()
        yield FileStart(segment.filename, declared or None)

    def _begin_field(self, segment: MultipartSegment) -> None:
        if segment.filename:
            raise FormRefused(f"A file is in the field {segment.name!r:.60}; it belongs in `file`.")
        self._field = segment.name

    def _collect(self, data: bytes) -> None:
        self._value += data
        if len(self._value) > _MAX_FIELD_BYTES:
            raise FormRefused(f"A field has more than {_MAX_FIELD_BYTES} bytes.")

    def _end(self) -> Iterator[Event]:
        if self._field is not None:
            yield Field(self._field, self._value.decode(errors="replace"))
        self._field = None
        self._value.clear()


def _too_many(most: int) -> str:
    if most == 1:
        return "The form has more than one file; send them one by one, or all to /v1/batches."
    return f"The form has more than {most} files."
