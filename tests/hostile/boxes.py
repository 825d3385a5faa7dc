"""The elements that containers are made of, with whatever sizes and contents a liar would write."""

import struct


def u16(number: int) -> bytes:
    """Two bytes, big end first."""
    return struct.pack(">H", number)


def u32(number: int) -> bytes:
    """Four bytes, big end first."""
    return struct.pack(">I", number)


def le16(number: int) -> bytes:
    """Two bytes, little end first."""
    return struct.pack("<H", number)


def le32(number: int) -> bytes:
    """Four bytes, little end first."""
    return struct.pack("<I", number)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box (atom) of MP4 and QuickTime."""
    body = b"".join(parts)
    return u32(len(body) + 8) + kind + body


def element(number: int, *parts: bytes) -> bytes:
    """An element of EBML (Matroska), its size in eight bytes."""
    body = b"".join(parts)
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return name + b"\x01" + len(body).to_bytes(7, "big") + body


def chunk(kind: bytes, *parts: bytes) -> bytes:
    """A chunk of RIFF."""
    body = b"".join(parts)
    return kind + le32(len(body)) + body + b"\0" * (len(body) % 2)


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """An ID3v2.3 tag."""
    body = b"".join(kind + u32(len(data)) + b"\0\0" + data for kind, data in frames)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + body


def patch(content: bytes, mark: bytes, offset: int, data: bytes) -> bytes:
    """Overwrite bytes `offset` after the end of the first `mark`."""
    at = content.index(mark) + len(mark) + offset
    return content[:at] + data + content[at + len(data) :]
