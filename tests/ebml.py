"""Matroska files made element by element: valid ones, of which it is known where clusters lie."""

from collections.abc import Sequence
from dataclasses import dataclass

VIDEO, AUDIO = 1, 2


@dataclass(frozen=True)
class MadeMatroska:
    """A file, where its clusters are, and where its index is."""

    content: bytes
    clusters: tuple[range, ...]
    index: range


def element(kind: int, *parts: bytes, width: int = 4) -> bytes:
    """Make an element whose size takes so many bytes."""
    body = b"".join(parts)
    size = len(body) | 1 << 7 * width
    return _bytes(kind) + size.to_bytes(width, "big") + body


def number(kind: int, value: int) -> bytes:
    return element(kind, value.to_bytes(8, "big"), width=1)


def make_matroska(
    lengths: Sequence[int], *, cues_first: bool = False, seconds: int = 1
) -> MadeMatroska:
    """Make a file of a video and an audio track, in clusters that begin so many seconds apart."""
    header = element(0x1A45DFA3, element(0x4282, b"matroska"))
    clusters = [_cluster(1000 * seconds * n, length) for n, length in enumerate(lengths)]
    middle = _info() + _tracks()
    blank = _cues([0] * len(clusters), seconds)
    start = len(_seek_head(0)) + len(middle) + (len(blank) if cues_first else 0)
    places, at = [], start
    for cluster in clusters:
        places.append(at)
        at += len(cluster)
    cues = _cues(places, seconds)
    media = b"".join(clusters)
    if cues_first:
        where = len(_seek_head(0)) + len(middle)
        body = _seek_head(where) + middle + cues + media
    else:
        where = at
        body = _seek_head(where) + middle + media + cues
    segment = element(0x18538067, body, width=8)
    origin = len(header) + len(segment) - len(body)
    return MadeMatroska(
        header + segment,
        tuple(
            range(origin + place, origin + place + len(cluster))
            for place, cluster in zip(places, clusters, strict=True)
        ),
        range(origin + where, origin + where + len(cues)),
    )


def _bytes(kind: int) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big")


def _seek_head(position: int) -> bytes:
    seek = element(0x4DBB, element(0x53AB, _bytes(0x1C53BB6B)), number(0x53AC, position))
    return element(0x114D9B74, seek)


def _info() -> bytes:
    return element(0x1549A966, number(0x2AD7B1, 1_000_000))


def _tracks() -> bytes:
    entries = (element(0xAE, number(0xD7, n), number(0x83, n)) for n in (VIDEO, AUDIO))
    return element(0x1654AE6B, *entries)


def _cluster(time: int, length: int) -> bytes:
    return element(0x1F43B675, number(0xE7, time), element(0xA3, b"b" * length))


def _cues(places: Sequence[int], seconds: int) -> bytes:
    points = (
        element(
            0xBB,
            number(0xB3, 1000 * seconds * n),
            element(0xB7, number(0xF7, VIDEO), number(0xF1, place)),
        )
        for n, place in enumerate(places)
    )
    return element(0x1C53BB6B, *points)
