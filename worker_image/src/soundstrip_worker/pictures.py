"""Whether a file's cover can go along with its audio."""

from typing import Annotated

import msgspec
from msgspec import Meta

from soundstrip_crds.job import Unreadable, read_message
from soundstrip_worker.fields import read_whole_number

MOST_PICTURE_BYTES = 8 << 20
"""A larger cover is left out."""


class _Packet(msgspec.Struct, frozen=True):
    size: str = ""


class _Picture(msgspec.Struct, frozen=True):
    width: int = 0
    height: int = 0


class _Answer(msgspec.Struct, frozen=True):
    packets: Annotated[list[_Packet], Meta(min_length=1)]
    streams: Annotated[list[_Picture], Meta(min_length=1)]


def is_fit_picture(output: bytes) -> bool:
    """Tell, by ffprobe's answer about it, whether a picture can go along: not if it is too large.

    One whose size cannot be read would keep FFmpeg from writing the file.
    """
    try:
        answer = read_message(output, _Answer)
    except Unreadable:
        return False
    packet, stream = answer.packets[0], answer.streams[0]
    known = stream.width > 0 and stream.height > 0
    return known and 0 < (read_whole_number(packet.size) or 0) <= MOST_PICTURE_BYTES
