"""What a request with an Idempotency-Key is about to make, for whoever has it sent again."""

from collections.abc import Callable

import msgspec


class Promise(msgspec.Struct, frozen=True):
    """Written down before the last file's document stands: from there on all that is named comes.

    `file_id` is that of the file whose intent holds the order, `names` are those of the objects
    that are ordered, `digest` tells whether the same bytes are sent again.
    """

    file_id: str
    names: tuple[str, ...]
    digest: str


Keep = Callable[[Promise], None]
"""Writes a promise down; raises a Problem if another carries the request out by now."""


def keep_none(_promise: Promise) -> None:
    """Write nothing down: the request has no key."""


def encode_promise(promise: Promise) -> str:
    """Return the promise as text."""
    return msgspec.json.encode(promise).decode()


def decode_promise(text: str) -> Promise | None:
    """Return the promise that a text is; None of an empty one, or a newer gateway's."""
    try:
        return msgspec.json.decode(text, type=Promise) if text else None
    except msgspec.DecodeError:
        return None
