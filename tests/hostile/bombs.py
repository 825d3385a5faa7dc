"""Small files that want much: time, memory or disk."""

import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path

from tests.hostile.boxes import box, element, id3, u16, u32
from tests.hostile.case import CORRUPT, LIMITED, OK, Case, World
from tests.hostile.movies import Sound, block, matroska, movie, track, wave, zlib_track
from tests.hostile.seeds import silence

_MEGABYTE = 1 << 20
_HOURS = 6


@cache
def _silence() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        return silence(Path(directory, "silence.flac"), hours=_HOURS)


def _inflating_index(_: World) -> bytes:
    """A compressed moov of 48 MB, nearly all of it one empty box."""
    return movie(Sound(), extra=box(b"free", bytes(48 * _MEGABYTE)), compressed=True)


def _inflating_blocks(_: World) -> bytes:
    packed = zlib.compress(bytes(9 * _MEGABYTE), 9)
    blocks = b"".join(block(packed, 250 * n) for n in range(8))
    return matroska(tracks=zlib_track(), blocks=blocks)


def _gif(width: int, height: int) -> bytes:
    """A GIF of one colour whose screen would take gigabytes."""
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0" + bytes(6) + b"," + bytes(4) + size + b"\0\2\2D\1\0;"


def _png(width: int, height: int) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return u32(len(data)) + kind + data + u32(zlib.crc32(kind + data))

    rows = zlib.compress(bytes((width * 3 + 1) * min(height, 1000)), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + part(b"IEND", b"")


def _covered(kind: bytes, picture: bytes) -> bytes:
    return id3((b"APIC", b"\0" + kind + b"\0\3\0" + picture))


def _many_tracks(count: int) -> bytes:
    return movie(*[Sound()] * count)


def _many_matroska_tracks(count: int) -> bytes:
    return matroska(tracks=b"".join(track(n) for n in range(1, count + 1)))


def _many_ogg_streams(world: World) -> bytes:
    """Repeat the first page, each time as the start of another stream; its checksum is ignored."""
    content = world.seeds["ogg"]
    first = content[: content.index(b"OggS", 4)]
    pages = (first[:14] + u32(n) + first[18:] for n in range(3000))
    return b"".join(pages) + content


def _many_attachments(_: World) -> bytes:
    file = element(0x61A7, element(0x466E, b"a"), element(0x4660, b"a"), element(0x465C, b"a"))
    return matroska(extra=element(0x1941A469, file * 2000))


def _many_chapters(_: World) -> bytes:
    chapters = b"".join(
        element(0xB6, element(0x73C4, u16(n)), element(0x91, u16(n))) for n in range(4000)
    )
    return matroska(extra=element(0x1043A770, element(0x45B9, chapters)))


def _many_cues(_: World) -> bytes:
    place = element(0xB7, element(0xF7, b"\1"), element(0xF1, b"\1"))
    points = b"".join(element(0xBB, element(0xB3, u32(n)), place) for n in range(20000))
    return matroska(extra=element(0x1C53BB6B, points))


def _long_title(_: World) -> bytes:
    title = element(0x7BA9, b"x" * 10 * _MEGABYTE)
    return matroska(extra=element(0x1549A966, title))


def _endless_fragments(world: World) -> bytes:
    content = world.seeds["fragmented.mp4"]
    at = content.index(b"moof") - 4
    return content[:at] + (box(b"moof", box(b"mfhd", u32(0), u32(1))) * 20_000) + content[at:]


CASES = (
    Case(f"{_HOURS} hours of silence", lambda _: _silence(), LIMITED, most_result_bytes=500_000),
    Case("an index that inflates a thousandfold", _inflating_index, OK),
    Case("blocks that inflate a thousandfold", _inflating_blocks, LIMITED),
    Case("a gif cover of gigabytes",
         lambda w: _covered(b"image/gif", _gif(20000, 20000)) + w.seeds["mp3"],
         OK, sounds_like="mp3"),
    Case("a png cover of gigabytes",
         lambda w: _covered(b"image/png", _png(20000, 20000)) + w.seeds["mp3"],
         OK, sounds_like="mp3"),
    Case("a cover of ten megabytes",
         lambda w: _covered(b"image/png", bytes(10 * _MEGABYTE)) + w.seeds["mp3"],
         OK, sounds_like="mp3"),
    Case("mov of 3000 tracks", lambda _: _many_tracks(3000), LIMITED),
    Case("mkv of 3000 tracks", lambda _: _many_matroska_tracks(3000), OK),
    Case("ogg of 3000 streams", _many_ogg_streams, OK),
    Case("mkv of 2000 attachments", _many_attachments, OK),
    Case("mkv of 4000 chapters", _many_chapters, OK),
    Case("mkv of 20000 cues", _many_cues, OK),
    Case("mkv with a title of ten megabytes", _long_title, LIMITED),
    Case("mp4 of 20000 empty fragments", _endless_fragments, CORRUPT),
    Case("mkv of one tone a hundred times",
         lambda _: matroska(blocks=block(wave(), 0) * 100), OK),
)  # fmt: skip
