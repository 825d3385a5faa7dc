"""Where FFmpeg begins to read for a part of a media.

It seeks to a whole second well before the part, whether all of the source is there or only what
this takes, so that both give the same bytes. What it finds there is looked at beforehand.
"""

import math
from collections.abc import Sequence
from functools import partial

import msgspec

from soundstrip_crds.audio import ResolvedOutput, TrackChoice, Trim
from soundstrip_crds.job import Unreadable, read_message
from soundstrip_media.layout import HEAD_SECONDS, Wanted
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.fields import read_offset
from soundstrip_worker.languages import is_spoken

_SETTLING_SECONDS = 1.0
"""What decoders are given before the part: MP3 at its lowest rates takes most, half a second."""

_LEAD_SECONDS = 2
_FIRST_SEEK = math.ceil(HEAD_SECONDS)
"""Before this second there is nothing to skip."""

_FRAMES_BEFORE = 3 / 23
"""Seconds that FFmpeg goes further back if video frames are shown in another order than they are
decoded, where timestamps in the index are those of the latter."""


class Seek(msgspec.Struct, frozen=True):
    """FFmpeg begins at this whole second of the media, and counts its time from there.

    `grid` is when the track itself begins, in that time, if the container tells time more roughly
    than by samples: packets of one length begin at multiples of it from there on.
    """

    second: int
    grid: float | None = None


class _Packet(msgspec.Struct, frozen=True):
    stream_index: int
    pts_time: str | None = None


class _Listed(msgspec.Struct, frozen=True):
    packets: list[_Packet] = []


def second_of(trim: Trim | None) -> int:
    """Return the second at which FFmpeg is to begin; 0 for the beginning."""
    second = math.floor(trim.start) - _LEAD_SECONDS if trim else 0
    return second if second >= _FIRST_SEEK else 0


def wanted_of(output: ResolvedOutput) -> Wanted:
    """Return what of a source's audio is read for an output."""
    choice = output.track or TrackChoice(index=0)
    return Wanted(
        track=choice.index,
        language=partial(is_spoken, choice.language) if choice.language else None,
        seek=float(second_of(output.trim)),
        stop=stop_of(output.trim),
    )


def stop_of(trim: Trim | None) -> float | None:
    """Return where a part ends, in seconds from the media's beginning; None for its end."""
    return None if trim is None or trim.duration is None else trim.start + trim.duration


def starts_of(second: int, demuxer: Demuxer) -> tuple[float, ...]:
    """Return the times that FFmpeg may seek if it is to begin at a second; none if it must not."""
    match demuxer:
        case Demuxer.MOV:
            return (second,)
        case Demuxer.MATROSKA:
            return (second, second - _FRAMES_BEFORE)
        case _:
            return ()


def parse_landing(output: bytes, stream: int) -> float | None:
    """Return when a stream goes on behind a seek, by the container's own clock, if it does."""
    try:
        packets = read_message(output, _Listed).packets
    except Unreadable:
        return None
    own = (packet.pts_time for packet in packets if packet.stream_index == stream)
    first = next(own, None)
    return None if first is None else read_offset(first)


def is_early(landings: Sequence[float | None], trim: Trim, origin: float) -> bool:
    """Tell whether decoders have time to settle wherever the seek leads to."""
    latest = origin + trim.start - _SETTLING_SECONDS
    return bool(landings) and all(each is not None and each <= latest for each in landings)
