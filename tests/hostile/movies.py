"""QuickTime and Matroska files written field by field: each field can be a lie."""

import math
import struct
import zlib
from dataclasses import dataclass

from tests.hostile.boxes import box, element, u16, u32

RATE = 8000
_WAVE_SECONDS = 2
_IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def wave() -> bytes:
    """Two seconds of a rising tone, 16 bits, little end first."""
    times = (n / RATE for n in range(_WAVE_SECONDS * RATE))
    values = (int(9000 * math.sin(2 * math.pi * (300 * t + 100 * t * t))) for t in times)
    return b"".join(struct.pack("<h", value) for value in values)


@dataclass(frozen=True)
class Sound:
    """An audio track of QuickTime as its boxes describe it; by default the truth."""

    rate: int = RATE
    channels: int = 1
    bits: int = 16
    timescale: int = RATE
    duration: int = _WAVE_SECONDS * RATE
    samples: int = _WAVE_SECONDS * RATE
    sample_size: int = 2
    time_entries: tuple[tuple[int, int], ...] | None = None
    time_count: int | None = None
    offset: int = 0
    reference: bytes = box(b"url ", u32(1))
    edits: bytes = b""
    name: bytes = b""

    def box(self, number: int = 1) -> bytes:
        """Return the `trak` box."""
        header = box(b"tkhd", u32(7), u32(0) * 2, u32(number), u32(0), u32(self.duration),
                     bytes(16), _IDENTITY, bytes(8))  # fmt: skip
        media = box(b"mdhd", u32(0) * 3, u32(self.timescale), u32(self.duration), u32(0x55C40000))
        handler = box(b"hdlr", u32(0), b"mhlrsoun", bytes(12), bytes([len(self.name)]), self.name)
        data = box(b"dinf", box(b"dref", u32(0), u32(1), self.reference))
        tables = box(b"stbl", self._description(), *self._tables())
        information = box(b"minf", box(b"smhd", bytes(8)), data, tables)
        return box(b"trak", header, self.edits, box(b"mdia", media, handler, information))

    def _description(self) -> bytes:
        entry = box(b"sowt", bytes(6), u16(1), bytes(8), u16(self.channels), u16(self.bits),
                    bytes(4), u32(self.rate % 65536 << 16))  # fmt: skip
        return box(b"stsd", u32(0), u32(1), entry)

    def _tables(self) -> tuple[bytes, ...]:
        times = self.time_entries or ((self.samples, 1),)
        count = len(times) if self.time_count is None else self.time_count
        entries = b"".join(u32(number) + u32(delta) for number, delta in times)
        return (
            box(b"stts", u32(0), u32(count), entries),
            box(b"stsc", u32(0), u32(1), u32(1), u32(self.samples), u32(1)),
            box(b"stsz", u32(0), u32(self.sample_size), u32(self.samples)),
            box(b"stco", u32(0), u32(1), u32(self.offset)),
        )


def movie(*sounds: Sound, extra: bytes = b"", compressed: bool = False) -> bytes:
    """Return a QuickTime file of these tracks; all of them point at one wave."""
    start = box(b"ftyp", b"qt  ", u32(0), b"qt  ")
    data = box(b"mdat", wave())
    duration = u32(_WAVE_SECONDS * 1000)
    header = box(b"mvhd", u32(0) * 3, u32(1000), duration, u32(0x10000), u16(0x100), bytes(10),
                 _IDENTITY, bytes(24), u32(len(sounds) + 1))  # fmt: skip
    at = len(start) + 8
    tracks = (_at(sound, at).box(number) for number, sound in enumerate(sounds, 1))
    index = box(b"moov", header, *tracks, extra)
    return start + data + (_compress(index) if compressed else index)


def _at(sound: Sound, offset: int) -> Sound:
    known = {name: getattr(sound, name) for name in Sound.__dataclass_fields__}
    return sound if sound.offset else Sound(**known | {"offset": offset})


def _compress(index: bytes) -> bytes:
    packed = zlib.compress(index, 9)
    body = box(b"dcom", b"zlib") + box(b"cmvd", u32(len(index)), packed)
    return box(b"moov", box(b"cmov", body))


def nested(kind: bytes, depth: int) -> bytes:
    """Return boxes within boxes."""
    size = 8 * depth
    return b"".join(u32(size - 8 * n) + kind for n in range(depth))


_HEADER = element(
    0x1A45DFA3,
    element(0x4286, b"\1"),
    element(0x42F7, b"\1"),
    element(0x42F2, b"\4"),
    element(0x42F3, b"\x08"),
    element(0x4282, b"matroska"),
    element(0x4287, b"\4"),
    element(0x4285, b"\2"),
)
_ZLIB = element(0x6D80, element(0x6240, element(0x5034, element(0x4254, b"\0"))))


def track(
    number: int = 1, *, rate: float = RATE, channels: bytes = b"\1", encoding: bytes = b""
) -> bytes:
    """Return a TrackEntry of 16 bit PCM."""
    audio = element(0xE1, element(0xB5, struct.pack(">d", rate)), element(0x9F, channels),
                    element(0x6264, b"\x10"))  # fmt: skip
    return element(0xAE, element(0xD7, u16(number)), element(0x73C5, u16(number)),
                   element(0x83, b"\2"), element(0x86, b"A_PCM/INT/LIT"), audio,
                   encoding)  # fmt: skip


def matroska(
    *,
    tracks: bytes | None = None,
    scale: int = 1_000_000,
    duration: float = _WAVE_SECONDS * 1000,
    extra: bytes = b"",
    blocks: bytes | None = None,
) -> bytes:
    """Return a Matroska file of the wave; `extra` are elements of the segment."""
    info = element(0x1549A966, element(0x2AD7B1, scale.to_bytes(8, "big")),
                   element(0x4489, struct.pack(">d", duration)), element(0x4D80, b"x"),
                   element(0x5741, b"x"))  # fmt: skip
    content = element(0x1654AE6B, track() if tracks is None else tracks)
    cluster = element(0x1F43B675, element(0xE7, b"\0"), _blocks() if blocks is None else blocks)
    return _HEADER + element(0x18538067, info, content, extra, cluster)


def _blocks() -> bytes:
    sound, step = wave(), RATE // 4 * 2
    pieces = (sound[at : at + step] for at in range(0, len(sound), step))
    return b"".join(block(piece, 250 * n) for n, piece in enumerate(pieces))


def block(data: bytes, time: int, number: int = 1) -> bytes:
    """Return a SimpleBlock."""
    return element(0xA3, bytes([0x80 | number]), u16(time), b"\x80", data)


def zlib_track() -> bytes:
    """Return a TrackEntry whose blocks are compressed by zlib."""
    return track(encoding=_ZLIB)
