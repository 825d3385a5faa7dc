"""Sample entries: how many bytes a sound sample has, where sizes are not listed one by one."""

from dataclasses import dataclass

from soundstrip_media.boxes import Box, read_body, read_number
from soundstrip_media.reading import NotUnderstood, Readable

ENCRYPTED = frozenset({b"enca", b"encv", b"encs", b"enct", b"drms", b"drmi"})

_BYTES = frozenset({b"alaw", b"ulaw"})
"""Formats whose samples are bytes, whatever their descriptions say: 16 bits, most times."""


@dataclass(frozen=True)
class SampleEntry:
    """A track's only sample entry; the numbers are 0 where it is none of sound.

    In QuickTime a table of equal sizes counts frames of one channel or of all, compressed or not,
    whatever it says of their size: the description has the truth (QTFF, "Sound sample
    descriptions").
    """

    format: bytes
    frame_size: int = 0
    """Bytes of one uncompressed sample of all channels."""
    packet_frames: int = 0
    """Samples in a packet of versions 1 and 2, and below the bytes of the packet."""
    packet_size: int = 0

    def bytes_of(self, samples: int, declared: int) -> int:
        """Return the most bytes that these samples can take, each declared of that size."""
        if self.packet_frames > 1 and self.packet_size:
            return -(-samples // self.packet_frames) * self.packet_size
        return samples * max(declared, self.frame_size, self.packet_size)


def read_entry(file: Readable, box: Box, *, sound: bool) -> SampleEntry:
    """Read a `stsd`.

    Raises:
        NotUnderstood: If it has several entries or none, or an encrypted one.
    """
    if read_number(file, box, 4) != 1:
        raise NotUnderstood("a track has not just one sample description")
    kind = read_body(file, box, 12, 4)
    if kind in ENCRYPTED:
        raise NotUnderstood("a track is encrypted")
    if not sound:
        return SampleEntry(kind)
    # The entry begins 8 bytes into the body; its version is 16 bytes on, behind the data reference.
    version, channels, bits = (read_number(file, box, 8 + at, 2) for at in (16, 24, 26))
    frame_size = channels * (1 if kind in _BYTES else -(-bits // 8))
    match version:
        case 0:
            return SampleEntry(kind, frame_size)
        case 1:
            frames, size = (read_number(file, box, 8 + at) for at in (36, 44))
            return SampleEntry(kind, frame_size, frames, size)
        case 2:
            channels, bits, size, frames = (
                read_number(file, box, 8 + at) for at in (48, 56, 64, 68)
            )
            return SampleEntry(kind, channels * -(-bits // 8), frames, size)
        case _:
            raise NotUnderstood("a sound description is of an unknown version")
