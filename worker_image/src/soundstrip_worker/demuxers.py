"""Which FFmpeg demuxer reads a file, by its first bytes alone.

FFmpeg never guesses: a guess can end at playlists and concat scripts, which open other files. The
signatures are those of the formats' specifications; none looks further than HEAD_SIZE.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

HEAD_SIZE = 4096
"""Bytes that `recognise` wants to see; fewer do if the file is shorter."""

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_W64_RIFF = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000")
_EBML = bytes.fromhex("1a45dfa3")
_MPEG_PS_PACK = bytes.fromhex("000001ba")
_FIRST_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"uuid"}
)
_AC3_SYNC = b"\x0b\x77"
_AC3_VERSIONS, _EAC3_VERSION = (6, 8), 16
_TS_SYNC = 0x47
_TS_PACKETS = 3

# Masks and values of the four bytes that start a frame: sync word, version, layer, rates.
_ADTS_MASK, _ADTS = 0xFFF60000, 0xFFF00000
_LAYER_3_MASK, _LAYER_3 = 0xFFE60000, 0xFFE20000
_INVALID_FRAMES = (
    (0x00180000, 0x00080000),  # reserved version
    (0x0000F000, 0x00000000),  # free bit rate
    (0x0000F000, 0x0000F000),  # bad bit rate
    (0x00000C00, 0x00000C00),  # reserved sample rate
)


class Demuxer(StrEnum):
    """FFmpeg's name of a demuxer, for `-f`."""

    MOV = "mov"
    MATROSKA = "matroska"
    AVI = "avi"
    FLV = "flv"
    ASF = "asf"
    MPEG_TS = "mpegts"
    MPEG_PS = "mpeg"
    OGG = "ogg"
    WAV = "wav"
    MP3 = "mp3"
    AAC = "aac"
    FLAC = "flac"
    AIFF = "aiff"
    W64 = "w64"
    CAF = "caf"
    AU = "au"
    AMR = "amr"
    AC3 = "ac3"
    EAC3 = "eac3"


class Container(msgspec.Struct, frozen=True):
    """What a file is: the word for people, and the demuxer that reads it."""

    name: str
    demuxer: Demuxer


def recognise(head: bytes) -> Container | None:
    """Return what a file that starts like this is, or None if that cannot be read here."""
    return next((container for test, container in _TABLE if test(head)), None)


def _starts(prefix: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(prefix)


def _riff(*forms: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] in {b"RIFF", b"RF64"} and head[8:12] in forms


def _is_quicktime(head: bytes) -> bool:
    return _is_mp4(head) and (head[4:8] != b"ftyp" or head[8:12] == b"qt  ")


def _is_mp4(head: bytes) -> bool:
    return head[4:8] in _FIRST_BOXES


def _is_webm(head: bytes) -> bool:
    return head.startswith(_EBML) and b"\x42\x82\x84webm" in head[:128]


def _is_transport_stream(head: bytes) -> bool:
    return _syncs(head, 0, 188) or _syncs(head, 4, 192)


def _syncs(head: bytes, first: int, step: int) -> bool:
    found = head[first::step][:_TS_PACKETS]
    return len(found) == _TS_PACKETS and set(found) == {_TS_SYNC}


def _is_adts(head: bytes) -> bool:
    return _header(head) & _ADTS_MASK == _ADTS


def _is_ac3(head: bytes) -> bool:
    return _dolby_version(head) in _AC3_VERSIONS


def _is_eac3(head: bytes) -> bool:
    return _dolby_version(head) == _EAC3_VERSION


def _dolby_version(head: bytes) -> int:
    """The bit stream identification of a sync frame (ATSC A/52, 5.3.2); -1 if it is none."""
    return head[5] >> 3 if head.startswith(_AC3_SYNC) and len(head) > 5 else -1  # noqa: PLR2004


def _is_aiff(head: bytes) -> bool:
    return head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}


def _is_mpeg_audio(head: bytes) -> bool:
    """A tag, or a frame header of layer III whose bit rate and sample rate are valid too."""
    header = _header(head)
    invalid = any(header & mask == value for mask, value in _INVALID_FRAMES)
    return head.startswith(b"ID3") or (header & _LAYER_3_MASK == _LAYER_3 and not invalid)


def _header(head: bytes) -> int:
    return int.from_bytes(head[:4].ljust(4, b"\0"), "big")


_TABLE: tuple[tuple[Callable[[bytes], bool], Container], ...] = (
    (_is_quicktime, Container("mov", Demuxer.MOV)),
    (_is_mp4, Container("mp4", Demuxer.MOV)),
    (_is_webm, Container("webm", Demuxer.MATROSKA)),
    (_starts(_EBML), Container("matroska", Demuxer.MATROSKA)),
    (_riff(b"AVI ", b"AVIX"), Container("avi", Demuxer.AVI)),
    (_riff(b"WAVE"), Container("wav", Demuxer.WAV)),
    (_starts(b"FLV\x01"), Container("flv", Demuxer.FLV)),
    (_starts(_ASF_HEADER), Container("asf", Demuxer.ASF)),
    (_starts(_MPEG_PS_PACK), Container("mpeg", Demuxer.MPEG_PS)),
    (_starts(b"OggS"), Container("ogg", Demuxer.OGG)),
    (_starts(b"fLaC"), Container("flac", Demuxer.FLAC)),
    (_is_aiff, Container("aiff", Demuxer.AIFF)),
    (_starts(_W64_RIFF), Container("w64", Demuxer.W64)),
    (_starts(b"caff"), Container("caf", Demuxer.CAF)),
    (_starts(b".snd"), Container("au", Demuxer.AU)),
    (_starts(b"#!AMR"), Container("amr", Demuxer.AMR)),
    (_is_ac3, Container("ac3", Demuxer.AC3)),
    (_is_eac3, Container("eac3", Demuxer.EAC3)),
    (_is_transport_stream, Container("mpegts", Demuxer.MPEG_TS)),
    (_is_adts, Container("aac", Demuxer.AAC)),
    (_is_mpeg_audio, Container("mp3", Demuxer.MP3)),
)
