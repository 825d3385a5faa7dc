"""The boxes of ISO base media files and QuickTime (ISO/IEC 14496-12, 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from soundstrip_media.reading import Budget, NotUnderstood, Readable, read_exactly

HEADER_SIZE = 8
LONG_HEADER_SIZE = 16
_MOST_CHILDREN = 1 << 12


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its four-character type, and where header, body and end lie in the file."""

    kind: bytes
    start: int
    body: int
    stop: int

    @property
    def size(self) -> int:
        """Its bytes, without the header."""
        return self.stop - self.body


def walk(
    file: Readable, start: int, stop: int, budget: Budget, *, top: bool = False
) -> Iterator[Box]:
    """Yield the boxes that lie between `start` and `stop`, one after the other.

    At the top of a file alone a size of 0 means that the box goes on to the end.

    Raises:
        NotUnderstood: If a box has an impossible size or leaves its parent.
    """
    while stop - start >= HEADER_SIZE:
        budget.spend()
        box = _read_box(file, start, stop, top=top)
        yield box
        start = box.stop


def _read_box(file: Readable, start: int, limit: int, *, top: bool) -> Box:
    header = read_exactly(file, start, min(LONG_HEADER_SIZE, limit - start))
    size, kind, body = int.from_bytes(header[:4], "big"), header[4:8], start + HEADER_SIZE
    if size == 1:
        size, body = int.from_bytes(header[8:], "big"), start + LONG_HEADER_SIZE
    elif size == 0 and top:
        size = limit - start
    if not body - start <= size <= limit - start:
        raise NotUnderstood(f"a box {kind!r} has an impossible size")
    return Box(kind, start, body, start + size)


class Family:
    """The children of a box, by type."""

    def __init__(self, file: Readable, parent: Box, budget: Budget) -> None:
        self._parent = parent
        self._children: dict[bytes, list[Box]] = {}
        for number, box in enumerate(walk(file, parent.body, parent.stop, budget)):
            if number == _MOST_CHILDREN:
                raise NotUnderstood(f"{parent.kind!r} has too many children")
            self._children.setdefault(box.kind, []).append(box)

    def all(self, kind: bytes) -> list[Box]:
        """Return the children of a type, in their order."""
        return self._children.get(kind, [])

    def find(self, *kinds: bytes) -> Box | None:
        """Return the only child of one of these types, or None.

        Raises:
            NotUnderstood: If there are several: readers differ in which of them counts.
        """
        found = [box for kind in kinds for box in self.all(kind)]
        if len(found) > 1:
            raise NotUnderstood(f"{self._parent.kind!r} has more than one {found[0].kind!r}")
        return found[0] if found else None

    def the(self, *kinds: bytes) -> Box:
        """Return the only child of one of these types.

        Raises:
            NotUnderstood: If there is none, or several.
        """
        box = self.find(*kinds)
        if box is None:
            raise NotUnderstood(f"{self._parent.kind!r} has no {kinds[0]!r}")
        return box


def read_body(file: Readable, box: Box, offset: int, length: int) -> bytes:
    """Return bytes of a box's body.

    Raises:
        NotUnderstood: If the box ends before.
    """
    if box.body + offset + length > box.stop:
        raise NotUnderstood(f"a box {box.kind!r} is too short")
    return read_exactly(file, box.body + offset, length)


def read_number(file: Readable, box: Box, offset: int, length: int = 4) -> int:
    """Return a big-endian number of a box's body; raises as `read_body` does."""
    return int.from_bytes(read_body(file, box, offset, length), "big")
