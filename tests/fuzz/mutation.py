"""Harms a file as chance has it: bits, numbers, and whole stretches."""

from collections.abc import Callable
from random import Random

_NUMBERS = (b"\0", b"\xff", b"\x7f\xff", b"\xff" * 4, b"\x7f" + b"\xff" * 3, b"\xff" * 8, b"\0" * 8)
_MOST_HARMS = 8
_LONGEST = 4096


def mutate(content: bytes, chance: Random) -> bytes:
    """Return the file with some harms done to it."""
    harmed = bytearray(content)
    for _ in range(chance.randint(1, _MOST_HARMS)):
        chance.choice(_HARMS)(harmed, chance)
    return bytes(harmed)


def _place(content: bytearray, chance: Random) -> int:
    """Most often near the start, where headers are."""
    near = chance.random() < 0.5
    return chance.randrange(max(1, min(len(content), 512) if near else len(content)))


def _flip(content: bytearray, chance: Random) -> None:
    if content:
        content[_place(content, chance)] ^= 1 << chance.randrange(8)


def _overwrite(content: bytearray, chance: Random) -> None:
    at, number = _place(content, chance), chance.choice(_NUMBERS)
    content[at : at + len(number)] = number


def _remove(content: bytearray, chance: Random) -> None:
    at = _place(content, chance)
    del content[at : at + chance.randint(1, _LONGEST)]


def _repeat(content: bytearray, chance: Random) -> None:
    at = _place(content, chance)
    content[at:at] = content[at : at + chance.randint(1, _LONGEST)]


def _cut(content: bytearray, chance: Random) -> None:
    del content[_place(content, chance) + len(content) // 4 :]


_HARMS: tuple[Callable[[bytearray, Random], None], ...] = (
    _flip, _flip, _overwrite, _overwrite, _remove, _repeat, _cut,
)  # fmt: skip
