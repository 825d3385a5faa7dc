"""Frames of MPEG audio layer III (ISO/IEC 11172-3 and 13818-3, and MPEG 2.5)."""

from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

import msgspec

RATES = (44100, 48000, 32000, 22050, 24000, 16000, 11025, 12000, 8000)
"""Sample rates that layer III has."""

_HEADER_SIZE = 4
_MPEG1, _RESERVED = 3, 1
_LAYER_III = 1
_MONO = 3
_RATE_OF_MPEG1 = (44100, 48000, 32000)
_DIVISOR = {3: 1, 2: 2, 0: 4}
_KILOBITS_OF_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KILOBITS_OF_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SIDE_SIZE = {(2, 2): 32, (2, 1): 17, (1, 2): 17, (1, 1): 9}
_PREAMBLE_BITS = {(2, 2): 20, (2, 1): 18, (1, 2): 10, (1, 1): 9}
_GRANULE_BITS = {2: 59, 1: 63}
_ID3_HEADER_SIZE = 10
_SILENT_GAIN = 210


class Malformed(Exception):
    """The bytes are not what LAME and FFmpeg write; the sentence says where and why."""


class Header(msgspec.Struct, frozen=True):
    """What the four bytes at the start of a frame say; `size` counts them too."""

    size: int
    samples: int
    rate: int
    kilobits: int
    channels: int
    protected: bool
    """Two bytes of CRC follow the header."""

    @property
    def granules(self) -> int:
        """Granules of 576 samples: two in MPEG 1, one in MPEG 2 and 2.5."""
        return self.samples // 576

    @property
    def side_start(self) -> int:
        """Where in the frame the side information begins."""
        return _HEADER_SIZE + 2 * self.protected

    @property
    def side_end(self) -> int:
        """Where in the frame the side information ends."""
        return self.side_start + _SIDE_SIZE[self.granules, self.channels]


def frame_samples(rate: int) -> int:
    """Return the samples of a frame at this rate of layer III."""
    return 1152 if rate in _RATE_OF_MPEG1 else 576


@lru_cache(maxsize=1024)
def parse_header(head: bytes) -> Header:
    """Read the four bytes of a header.

    Raises:
        Malformed: If they are none of layer III, or leave the bit rate open.
    """
    word = int.from_bytes(head, "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    kilobits_index, rate_index = word >> 12 & 15, word >> 10 & 3
    if len(head) != _HEADER_SIZE or word >> 21 != 0x7FF or layer != _LAYER_III:  # noqa: PLR2004
        raise Malformed("no header of a layer III frame")
    if version == _RESERVED or not 0 < kilobits_index < 15 or rate_index == 3:  # noqa: PLR2004
        raise Malformed("a reserved value in a frame's header")
    kilobits = (_KILOBITS_OF_MPEG1 if version == _MPEG1 else _KILOBITS_OF_MPEG2)[kilobits_index]
    rate = _RATE_OF_MPEG1[rate_index] // _DIVISOR[version]
    samples = 1152 if version == _MPEG1 else 576
    return Header(
        size=samples * 125 * kilobits // rate + (word >> 9 & 1),
        samples=samples,
        rate=rate,
        kilobits=kilobits,
        channels=1 if word >> 6 & 3 == _MONO else 2,
        protected=not word >> 16 & 1,
    )


def read_id3(file: BinaryIO) -> bytes:
    """Read the ID3v2 tag that stands here; empty if none does, and the file is where it was.

    Raises:
        Malformed: If the file ends in it.
    """
    start = file.tell()
    head = file.read(_ID3_HEADER_SIZE)
    if not head.startswith(b"ID3") or len(head) < _ID3_HEADER_SIZE:
        file.seek(start)
        return b""
    size = 0
    for seven_bits in head[6:]:
        size = size << 7 | seven_bits & 0x7F
    body = file.read(size)
    if len(body) != size:
        raise Malformed("the file ends in its ID3v2 tag")
    return head + body


def walk(file: BinaryIO) -> Iterator[bytes]:
    """Yield the frames from here to the end of the file, one at a time.

    Raises:
        Malformed: If anything else is between them, or the last one is cut off.
    """
    while head := file.read(_HEADER_SIZE):
        rest = parse_header(head).size - _HEADER_SIZE
        body = file.read(rest)
        if len(body) != rest:
            raise Malformed("the file ends in a frame")
        yield head + body


def count_sounding(frame: bytes) -> tuple[int, ...]:
    """Return of each channel in how many granules LAME's quantization had anything to do.

    A granule without energy has no bits, and the gain that LAME begins with (210).
    """
    counts = [0] * parse_header(frame[:_HEADER_SIZE]).channels
    for channel, bits, gain, _ in _granules(frame):
        counts[channel] += bool(bits) or gain != _SILENT_GAIN
    return tuple(counts)


def beginning_anew(frame: bytes) -> set[int]:
    """Return the channels with a granule after which the search for a quantization begins anew.

    Our LAME does so after silence, without a reservoir (silence.patch), and names the second
    table for its quadruples, of which it has none. Any other LAME names the first there.
    """
    return {channel for channel, bits, _, table in _granules(frame) if table and not bits}


def _granules(frame: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield each granule's channel, number of bits, gain, and table of quadruples."""
    header = parse_header(frame[:_HEADER_SIZE])
    size = _GRANULE_BITS[header.granules]
    side = int.from_bytes(frame[header.side_start : header.side_end], "big")
    left = 8 * (header.side_end - header.side_start)
    left -= _PREAMBLE_BITS[header.granules, header.channels]
    for _ in range(header.granules):
        for channel in range(header.channels):
            left -= size
            start = side >> left >> size - 29
            yield channel, start >> 17 & 0xFFF, start & 0xFF, side >> left & 1
