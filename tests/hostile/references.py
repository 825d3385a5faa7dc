"""Media that refer to other files and to servers, as their formats allow."""

import struct
from collections.abc import Callable

from tests.hostile.boxes import box, element, id3, le16, le32, u16, u32
from tests.hostile.case import CORRUPT, OK, SILENT, Case, World
from tests.hostile.movies import Sound, matroska, movie

_SCRIPT_COMMAND = bytes.fromhex("301afb1e620bd011a39b00a0c90348f6")
_ASF_HEADER_SIZE, _ASF_COUNT, _ASF_OBJECTS = 16, 24, 30


def _referred(reference: Callable[[World], bytes]) -> Callable[[World], bytes]:
    return lambda world: movie(Sound(reference=reference(world)))


def _url(world: World) -> bytes:
    return box(b"url ", u32(0), world.url.encode() + b"\0")


def _file_url(world: World) -> bytes:
    return box(b"url ", u32(0), b"file://" + bytes(world.canary) + b"\0")


def _alias(path: bytes) -> bytes:
    """An alias record of version 2 (Inside Macintosh: Files), with the path as type 2 and 18."""
    name = path.rpartition(b"/")[2][:63]
    record = (
        u16(2) + u16(0) + bytes([5]) + b"Drive".ljust(27, b"\0") + u32(0) + b"H+" + u16(0) + u32(0)
        + bytes([len(name)]) + name.ljust(63, b"\0") + u32(0) * 4 + u16(1) + u16(1) + bytes(16)
    )  # fmt: skip
    for kind in (2, 18):
        record += u16(kind) + u16(len(path)) + path + b"\0" * (len(path) % 2)
    record += u16(0xFFFF) + u16(0)
    size = u16(len(record) + 6)
    return box(b"alis", u32(0), bytes(4) + size + record)


def _reference_movie(world: World) -> bytes:
    target = world.url.encode() + b"\0"
    reference = box(b"rdrf", u32(0), b"url ", u32(len(target)), target)
    return box(b"ftyp", b"qt  ", u32(0)) + box(b"moov", box(b"rmra", box(b"rmda", reference)))


def _linked_segment(world: World) -> bytes:
    name = bytes(world.canary)
    info = (element(0x3EB923, b"n" * 16), element(0x3E83BB, name), element(0x3CB923, b"p" * 16),
            element(0x3C83AB, name))  # fmt: skip
    chapter = element(0xB6, element(0x73C4, b"\1"), element(0x91, b"\0"),
                      element(0x6E67, b"n" * 16))  # fmt: skip
    return matroska(
        extra=element(0x1549A966, *info) + element(0x1043A770, element(0x45B9, chapter))
    )


def _attachment(world: World) -> bytes:
    file = element(0x466E, bytes(world.canary)), element(0x4660, b"image/svg+xml")
    content = element(0x465C, f"<image href='{world.url}'/>".encode()), element(0x46AE, b"\1")
    return matroska(extra=element(0x1941A469, element(0x61A7, *file, *content)))


def _script_commands(world: World) -> bytes:
    header = world.seeds["wmv"]
    command = world.url.encode("utf-16-le")
    body = (bytes(16) + le16(1) + le16(1) + le16(3) + "URL".encode("utf-16-le")
            + le32(0) + le16(0) + le16(len(command) // 2) + command)  # fmt: skip
    script = _SCRIPT_COMMAND + struct.pack("<Q", len(body) + 24) + body
    (size,) = struct.unpack_from("<Q", header, _ASF_HEADER_SIZE)
    (count,) = struct.unpack_from("<I", header, _ASF_COUNT)
    return (
        header[:_ASF_HEADER_SIZE]
        + struct.pack("<QI", size + len(script), count + 1)
        + header[_ASF_COUNT + 4 : _ASF_OBJECTS]
        + script
        + header[_ASF_OBJECTS:]
    )


def _linked_picture(world: World) -> bytes:
    picture = b"\0-->\0\x03\0" + world.url.encode()
    return id3((b"APIC", picture), (b"WXXX", b"\0\0" + world.url.encode())) + world.seeds["mp3"]


def _linked_block(world: World) -> bytes:
    """A FLAC picture whose data is a link (type `-->`)."""
    link = world.url.encode()
    body = u32(3) + u32(3) + b"-->" + u32(0) + bytes(16) + u32(len(link)) + link
    content = world.seeds["flac"]
    return content[:42] + b"\x06" + len(body).to_bytes(3, "big") + body + content[42:]


# FFmpeg takes no note of a `url ` and reads the file itself; an alias leaves a track without data.
CASES = (
    Case("mov whose data are at a url", _referred(_url), OK),
    Case("mov whose data are in a file", _referred(_file_url), OK),
    Case("mov by alias", _referred(lambda world: _alias(bytes(world.canary))), CORRUPT),
    Case("mov by alias upwards", _referred(lambda _: _alias(b"../../canary")), CORRUPT),
    Case("mov reference movie", _reference_movie, SILENT),
    Case("mkv of linked segments", _linked_segment, OK),
    Case("mkv with an attachment", _attachment, OK),
    Case("wmv with script commands", _script_commands, OK, sounds_like="wmv"),
    Case("mp3 with a linked picture", _linked_picture, OK, sounds_like="mp3"),
    Case("flac with a linked picture", _linked_block, OK, sounds_like="flac"),
)
