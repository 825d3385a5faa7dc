"""What the gateway and the live process say to each other before a client's socket changes hands.

Over a Unix socket of sequenced packets: a ticket, a verdict; then, after READY or UNKNOWN, the head
of the answer, and with it the client's socket.
"""

from enum import StrEnum

import msgspec

TICKET_LIMIT = 4096
HEAD_LIMIT = 65536
"""Bytes of a packet."""


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who wants to watch what.

    `since` is the last mark that the client saw, `seconds` how long its token is good yet, and
    `chunked` whether its HTTP is one that knows chunks.
    """

    owner: str
    name: str | None = None
    since: int | None = None
    seconds: float | None = None
    chunked: bool = True


class Verdict(StrEnum):
    """The live process's answer."""

    READY = "ready"
    UNKNOWN = "unknown"
    """The board has no such conversion of this owner, or one that has come to its end; the API
    server may know better: that it is new, or runs again."""

    BLIND = "blind"
    """The API server has not said yet which conversions there are."""

    CROWDED = "crowded"
    """The user has as many streams as one may have."""

    FULL = "full"
    """There are as many streams as there may be."""


def encode_ticket(ticket: Ticket) -> bytes:
    """Return the ticket's packet."""
    return msgspec.json.encode(ticket)


def decode_ticket(packet: bytes) -> Ticket:
    """Return the packet's ticket.

    Raises:
        msgspec.DecodeError: If it holds none.
    """
    return msgspec.json.decode(packet, type=Ticket)
