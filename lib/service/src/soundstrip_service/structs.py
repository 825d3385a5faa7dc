"""msgspec's knowledge of the structs, which is to be there before any thread asks for it."""

from collections.abc import Iterator
from typing import Any

import msgspec


def prepare_structs() -> None:
    """Have msgspec find out the fields of each struct that is defined by now.

    It does so when a struct is first decoded, and shows what it has found so far to other threads
    meanwhile: two that decode one for the first time at once end the process with SIGSEGV
    (msgspec 0.22, `StructInfo_Convert`).
    """
    for each in _below(msgspec.Struct):
        msgspec.json.Decoder(each)


def _below(struct: type[msgspec.Struct]) -> Iterator[type[Any]]:
    for each in struct.__subclasses__():
        yield each
        yield from _below(each)
