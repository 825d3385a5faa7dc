"""The elements of EBML (RFC 8794): an id, a size, and a body."""

from collections.abc import Iterator
from dataclasses import dataclass

from soundstrip_media.ranges import Range
from soundstrip_media.reading import Budget, NotUnderstood, Readable, read_exactly

VOID = 0xEC
CRC = 0xBF

_MOST_ID_BYTES = 4
_MOST_SIZE_BYTES = 8
_LONGEST_HEADER = _MOST_ID_BYTES + _MOST_SIZE_BYTES
_MOST_NUMBER_BYTES = 8
SHORTEST_VOID = 1 + _MOST_SIZE_BYTES


@dataclass(frozen=True, slots=True)
class Element:
    """An element: its id, marker bits and all, and where header, body and end lie in the file."""

    id: int
    start: int
    body: int
    stop: int

    @property
    def size(self) -> int:
        """Its bytes, without the header."""
        return self.stop - self.body


def walk(file: Readable, start: int, stop: int, budget: Budget) -> Iterator[Element]:
    """Yield the elements that lie between `start` and `stop`, one after the other.

    Raises:
        NotUnderstood: If one has an impossible id or size, or an unknown one, or leaves its parent.
    """
    while start < stop:
        element = read_element(file, start, stop, budget)
        yield element
        start = element.stop


def read_element(file: Readable, start: int, limit: int, budget: Budget) -> Element:
    """Read the header of the element that begins at `start`; raises as `walk` does."""
    budget.spend()
    if not 0 <= start < limit:
        raise NotUnderstood("an element begins where there is none")
    header = read_exactly(file, start, min(_LONGEST_HEADER, limit - start))
    id_width = _width(header, 0, _MOST_ID_BYTES)
    size_width = _width(header, id_width, _MOST_SIZE_BYTES)
    body = start + id_width + size_width
    unmarked = (1 << 7 * size_width) - 1
    size = int.from_bytes(header[id_width : id_width + size_width], "big") & unmarked
    if size == unmarked or not body <= body + size <= limit:
        raise NotUnderstood("an element has an impossible size, or none")
    return Element(int.from_bytes(header[:id_width], "big"), start, body, body + size)


def _width(header: bytes, at: int, most: int) -> int:
    """Return how many bytes a number has, by the zeros that it begins with."""
    first = header[at] if at < len(header) else 0
    width = 9 - first.bit_length()
    if width > most or at + width > len(header):
        raise NotUnderstood("an element has no header")
    return width


def read_number(file: Readable, element: Element) -> int:
    """Return an element's unsigned number.

    Raises:
        NotUnderstood: If it is of more bytes than a number has.
    """
    if element.size > _MOST_NUMBER_BYTES:
        raise NotUnderstood("a number has too many bytes")
    return int.from_bytes(read_exactly(file, element.body, element.size), "big")


def void_header(hole: Range) -> bytes:
    """Return the header of an element that says nothing, and fills the hole."""
    marker = 1 << 7 * _MOST_SIZE_BYTES
    size = hole.length - SHORTEST_VOID
    return bytes([VOID]) + (marker | size).to_bytes(_MOST_SIZE_BYTES, "big")
