"""Headers that are absurd: rates, channels, counts and lengths that nothing real has."""

import math
import struct
from collections.abc import Callable
from typing import Any

from tests.hostile.boxes import box, chunk, element, le16, le32, patch, u32
from tests.hostile.case import CORRUPT, LIMITED, OK, UNSUPPORTED, Case, Ends, World
from tests.hostile.movies import RATE, Sound, block, matroska, movie, nested, track, wave

from soundstrip_crds.audio import Output, Trim

_YEARS = 0x7FFFFFFF
_BILLION = 10**9
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def wav(*, rate: int = RATE, channels: int = 1, bits: int = 16, align: int = 2, code: int = 1,
        declared: int | None = None) -> bytes:  # fmt: skip
    """Return a WAV of the wave; `declared` is how many bytes of sound it claims."""
    header = le16(code) + le16(channels) + le32(rate) + le32(rate * align % 2**32)
    sound = wave()
    size = len(sound) if declared is None else declared
    data = b"data" + le32(size) + sound
    body = b"WAVE" + chunk(b"fmt ", header, le16(align), le16(bits)) + data
    return b"RIFF" + le32(min(len(body) - len(sound) + size, 2**32 - 2)) + body


def _flac(rate: int, channels: int, total: int) -> Callable[[World], bytes]:
    """Overwrite STREAMINFO: 20 bits of rate, 3 of channels, 5 of depth, 36 of samples."""
    packed = (rate << 44 | (channels - 1) << 41 | 15 << 36 | total).to_bytes(8, "big")
    return lambda world: patch(world.seeds["flac"], b"fLaC", 14, packed)


def _patched(seed: str, mark: bytes, offset: int, data: bytes) -> Callable[[World], bytes]:
    return lambda world: patch(world.seeds[seed], mark, offset, data)


def _ogg_granule(world: World) -> bytes:
    content = world.seeds["ogg"]
    last = content.rindex(b"OggS")
    return content[: last + 6] + struct.pack("<q", 2**62) + content[last + 14 :]


def _mp4(name: str, sound: Sound, ends: Ends, extra: bytes = b"") -> Case:
    return Case(f"mov with {name}", lambda _: movie(sound, extra=extra), ends)


def _mkv(name: str, ends: Ends, **fields: Any) -> Case:
    return Case(f"mkv with {name}", lambda _: matroska(**fields), ends)


def _wav(name: str, ends: Ends, **fields: int) -> Case:
    return Case(f"wav with {name}", lambda _: wav(**fields), ends)


def _deep(top: int, inner: int, depth: int = 2000) -> bytes:
    content = b""
    for _ in range(depth):
        content = element(inner, content)
    return element(top, element(0x45B9, content) if inner == 0xB6 else content)


def _double(number: float) -> bytes:
    return struct.pack(">d", number)


_LATE = Output(trim=Trim(start=12, duration=3))
"""FFmpeg seeks for it."""


def _cues(position: int, count: int = 1) -> bytes:
    """Return an index of pictures, of this place alone, one each hundred seconds."""
    places = element(0xB7, element(0xF7, b"\1"), element(0xF1, struct.pack(">Q", position)))
    return element(
        0x1C53BB6B, *(element(0xBB, element(0xB3, u32(10_000 * n)), places) for n in range(count))
    )


def _sought(name: str, cues: bytes) -> Case:
    """Return twenty seconds of which a part is wanted, with an index that lies."""
    step = RATE // 4 * 2
    blocks = b"".join(block(wave()[:step], 250 * n) for n in range(80))
    content = matroska(extra=cues, blocks=blocks, duration=20_000)
    return Case(f"mkv with {name}", lambda _: content, OK, output=_LATE)


_EDIT = u32(_YEARS) + u32(_YEARS) + u32(0x10000)

CASES = (
    _wav("a rate of 1", UNSUPPORTED, rate=1),
    _wav("a rate of 0", CORRUPT, rate=0),
    _wav("a rate of four billion", CORRUPT, rate=2**32 - 1),
    _wav("255 channels", UNSUPPORTED, channels=255, align=510),
    _wav("65535 channels", CORRUPT, channels=65535, align=65535),
    _wav("no channel", CORRUPT, channels=0, align=0),
    _wav("no bits", UNSUPPORTED, bits=0, align=0),
    _wav("a billion samples", CORRUPT, declared=2 * _BILLION),
    _wav("a codec that nobody knows", UNSUPPORTED, code=0xBEEF),
    _mp4("a rate of 1", Sound(rate=1), UNSUPPORTED),
    _mp4("255 channels", Sound(channels=255), UNSUPPORTED),
    _mp4("no timescale", Sound(timescale=0), CORRUPT),
    _mp4("a duration of years", Sound(duration=_YEARS, timescale=1), CORRUPT),
    _mp4("a duration beyond counting", Sound(duration=2**32 - 1), OK),
    _mp4("a million samples", Sound(samples=1_000_000), OK),
    _mp4("as many samples as fit a word", Sound(samples=2**32 - 1), CORRUPT),
    _mp4("a hundred million samples in its index",
         Sound(samples=10**8, time_entries=((10**8, 2),)), CORRUPT),
    _mp4("a sample of two gigabytes", Sound(samples=1, sample_size=2**31 - 1), OK),
    _mp4("a table of times that is not there", Sound(time_count=2**32 - 1), LIMITED),
    _mp4("time that stands still", Sound(time_entries=((16000, 0),)), OK),
    _mp4("time that leaps", Sound(time_entries=((16000, 2**31 - 1),)), OK),
    _mp4("data beyond its end", Sound(offset=2**32 - 1), CORRUPT),
    _mp4("edits of centuries",
         Sound(edits=box(b"edts", box(b"elst", u32(0), u32(1), _EDIT))), CORRUPT),
    _mp4("an edit list that is not there",
         Sound(edits=box(b"edts", box(b"elst", u32(0), u32(2**32 - 1)))), OK),
    _mp4("boxes ten thousand deep", Sound(), CORRUPT, nested(b"udta", 10_000)),
    _mp4("movies within movies", Sound(), CORRUPT, nested(b"moov", 10_000)),
    _mp4("a box that is larger than all", Sound(), OK, u32(2**31 - 1) + b"udta"),
    _mp4("a box of no size", Sound(), OK, u32(1) + b"meta" + struct.pack(">Q", 2**63 - 1)),
    _mkv("a duration of years", CORRUPT, duration=1e12),
    _mkv("an infinite duration", OK, duration=math.inf),
    _mkv("a duration that is no number", OK, duration=math.nan),
    _mkv("a duration below zero", OK, duration=-1e300),
    _mkv("time that stands still", OK, scale=0),
    _mkv("time that leaps", CORRUPT, scale=2**63 - 1),
    _mkv("a rate of 1", UNSUPPORTED, tracks=track(rate=1.0)),
    _mkv("a rate that is no number", OK, tracks=track(rate=math.nan)),
    _mkv("a rate beyond counting", OK, tracks=track(rate=1e308)),
    _mkv("255 channels", UNSUPPORTED, tracks=track(channels=b"\xff")),
    _mkv("channels beyond counting", CORRUPT, tracks=track(channels=b"\x7f" * 8)),
    _mkv("tags two thousand deep", OK, extra=_deep(0x1254C367, 0x67C8)),
    _mkv("chapters two thousand deep", OK, extra=_deep(0x1043A770, 0xB6)),
    _sought("an index that leads beyond its end", _cues(2**40)),
    _sought("an index that leads to itself", _cues(0)),
    _sought("an index that leads nowhere a hundred thousand times", _cues(77, 100_000)),
    Case("flac with a rate of 1", _flac(1, 1, 64000), CORRUPT),
    Case("flac with 2^36 samples", _flac(32000, 1, 2**36 - 1), CORRUPT),
    Case("flac with other channels than it has", _flac(32000, 8, 64000), CORRUPT),
    Case("ogg that ends in a million years", _ogg_granule, OK),
    Case("avi with no rate", _patched("avi", b"strh", 4 + 20, bytes(8)), OK),
    Case("avi with four billion frames", _patched("avi", b"avih", 4 + 16, b"\xff" * 4), OK),
    Case("avi with 65535 streams", _patched("avi", b"avih", 4 + 24, b"\xff\xff\0\0"), OK),
    Case("flv of a duration beyond all", _patched("flv", b"duration", 1, _double(1e300)), OK),
    Case("wmv of thousands of years", _patched("wmv", _ASF_FILE, 48, b"\xff" * 7 + b"\x0f"), OK),
    Case("wmv of packets of four gigabytes", _patched("wmv", _ASF_FILE, 76, b"\xff" * 8), CORRUPT),
    Case("mp3 with four billion frames", _patched("mp3", b"Info", 4, b"\xff" * 8), OK),
    Case("mp4 with no timescale", _patched("mp4", b"mdhd", 12, bytes(4)), OK),
    Case("fragmented mp4 with a billion samples",
         _patched("fragmented.mp4", b"trun", 4, u32(_BILLION)), CORRUPT),
    Case("webm with other codec data", _patched("webm", b"OpusHead", 0, b"\xff" * 11), CORRUPT),
    Case("ogg with 255 channels", _patched("ogg", b"\1vorbis", 4, b"\xff"), CORRUPT),
    Case("ts of one repeated packet", lambda w: w.seeds["ts"][:188] * 5000, CORRUPT),
)  # fmt: skip
