"""Whether a file is as long in bytes as its header says.

For the formats of which FFmpeg corrects the claimed duration by the file's size, so that a file
that was cut off looks like a shorter one: RIFF (AVI, WAV) and ASF.
"""

from soundstrip_worker.demuxers import Demuxer

_SHARE = 0.99
"""Less than a hundredth is missing: at most the index, which is not needed."""

_UNKNOWN_RIFF_SIZES = frozenset({0, 0xFFFFFFFF})
_RIFF_PREAMBLE = 8
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
# After the object's GUID: its size and the file's GUID, then the file's size in 8 bytes.
_ASF_SIZE_OFFSET = 16 + 8 + 16
# After the size: date, packets, durations and preroll, then flags, of which the first is Broadcast.
_ASF_FLAGS_OFFSET = _ASF_SIZE_OFFSET + 8 + 5 * 8


def is_cut_off(head: bytes, demuxer: Demuxer, size: int) -> bool:
    """Tell whether a file of `size` bytes that starts with `head` lacks a part of itself."""
    declared = declared_size(head, demuxer)
    return declared is not None and size < declared * _SHARE


def declared_size(head: bytes, demuxer: Demuxer) -> int | None:
    """Return the bytes that the header says there are, at least; None if it does not say."""
    match demuxer:
        case Demuxer.AVI | Demuxer.WAV:
            return _riff_size(head)
        case Demuxer.ASF:
            return _asf_size(head)
        case _:
            return None


def _riff_size(head: bytes) -> int | None:
    """A file above 4 GB, or one that was written to a pipe, leaves the field unused."""
    declared = int.from_bytes(head[4:8], "little")
    return None if declared in _UNKNOWN_RIFF_SIZES else declared + _RIFF_PREAMBLE


def _asf_size(head: bytes) -> int | None:
    at = head.find(_ASF_FILE_PROPERTIES)
    flags = head[at + _ASF_FLAGS_OFFSET :][:4]
    if at < 0 or not flags or flags[0] & 1:
        return None
    return int.from_bytes(head[at + _ASF_SIZE_OFFSET :][:8], "little") or None
