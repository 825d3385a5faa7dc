"""Honest files that were cut off, and files in which bits have flipped."""

import random
from collections.abc import Callable

from tests.hostile.case import CORRUPT, OK, SILENT, UNSUPPORTED, Case, World
from tests.hostile.seeds import NAMES, SAY_THEIR_LENGTH

_FLIPS = 24
_STUB = CORRUPT | SILENT | UNSUPPORTED
_HEAD = 600
"""Bytes at the start in which a flip hits a header."""


def cut(content: bytes, share: float) -> bytes:
    """Return the first part of a file."""
    return content[: int(len(content) * share)]


def flip(content: bytes, seed: int, *, flips: int = _FLIPS) -> bytes:
    """Flip bits: half of them near the start, where headers are, half of them anywhere."""
    chance = random.Random(seed)  # noqa: S311 - repeatable damage, not a secret
    damaged = bytearray(content)
    for n in range(flips):
        at = chance.randrange(4, min(len(damaged), _HEAD) if n % 2 else len(damaged))
        damaged[at] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _of(name: str, harm: Callable[[bytes], bytes]) -> Callable[[World], bytes]:
    return lambda world: harm(world.seeds[name])


def _cut_in_half(name: str) -> Case:
    ends = CORRUPT if name in SAY_THEIR_LENGTH else OK | CORRUPT
    return Case(f"{name} cut in half", _of(name, lambda content: cut(content, 0.5)), ends)


def _stub(name: str) -> Case:
    """What is left may be a header that is whole, and no audio."""
    return Case(f"{name} cut after its head", _of(name, lambda content: content[:200]), _STUB)


def _flipped(name: str, seed: int) -> Case:
    harm = _of(name, lambda content: flip(content, seed))
    return Case(f"{name} with flipped bits {seed}", harm, OK | CORRUPT | SILENT | UNSUPPORTED)


CASES = (
    *map(_cut_in_half, NAMES),
    *map(_stub, NAMES),
    *(_flipped(name, seed) for name in NAMES for seed in (1,)),
)
