"""What a reader of an index asks of a file, and the one error that it raises."""

import sys
from array import array
from collections.abc import Sequence
from typing import Protocol

_TYPE_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


class NotUnderstood(Exception):
    """The index is damaged, lies, or is of a kind that is not read here: take the whole file."""


class Readable(Protocol):
    """A file of known size, of which parts can be read."""

    @property
    def size(self) -> int:
        """Its length in bytes."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes from `offset` on, fewer only where the file ends."""
        ...

    def expect(self, start: int, stop: int) -> None:
        """Hear that the bytes from `start` up to `stop` are about to be read, bit by bit."""
        ...


class Budget:
    """How much may be looked at: hostile counts must cost no more than honest ones."""

    def __init__(self, limit: int, what: str) -> None:
        self._left = limit
        self._what = what

    def spend(self, count: int = 1) -> None:
        """Take from it.

        Raises:
            NotUnderstood: If it is used up.
        """
        self._left -= count
        if self._left < 0:
            raise NotUnderstood(f"there are too many {self._what}")


def read_exactly(file: Readable, offset: int, length: int) -> bytes:
    """Return so many bytes.

    Raises:
        NotUnderstood: If the file ends before.
    """
    data = file.read(offset, length) if 0 <= offset <= file.size else b""
    if len(data) != length:
        raise NotUnderstood("it ends in the middle of its index")
    return data


def unpack(data: bytes, width: int) -> Sequence[int]:
    """Return the big-endian numbers of so many bytes each that `data` consists of."""
    numbers = array(_TYPE_CODES[width], data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
