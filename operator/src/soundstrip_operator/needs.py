"""What a conversion takes of a node and of time, as far as its source's index told the gateway.

Requests follow from this, and a deadline; limits leave room for a source that turns out otherwise.
"""

import math
from dataclasses import dataclass

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_crds.conversion import Source, Spec
from soundstrip_operator.resources import Share

_INDEX_BYTES_PER_SECOND = 4096
"""Memory of FFmpeg for the index of a second of media, all tracks; at 60 frames a second less."""

_PCM_BYTES_PER_SECOND = 96_000 * 2 * 3
"""Of what loses nothing, at most: stereo with 24 bits at the highest rate."""

_VARIABLE_BITS_PER_SECOND = 320_000
"""No frame of an MP3 has more."""

_SHORTEST_DEADLINE = 600
"""Seconds for what doesn't depend on the length: the image may have to be fetched first."""

_SLOWEST_SPEED = 1.0
"""Seconds of media in a second that the slowest node makes at least."""

_TIMES_FOR_LOUDNESS = 4
"""Where a limiter is needed: a dozen passes, most of which encode nothing."""

RESULTS_AT_ONCE = 2
"""A long MP3's segments lie beside the result that they are joined to."""


@dataclass(frozen=True)
class Needs:
    """The shares of the two containers."""

    mover: Share
    converter: Share


def estimate(source: Source, output: ResolvedOutput, most: int) -> Needs:
    """Return what is needed where no result has more than `most` bytes."""
    brought = source.size if source.audio_bytes is None else min(source.size, source.audio_bytes)
    made = brought if output.format == "original" else _made(source.duration_seconds, output, most)
    index = math.ceil((source.duration_seconds or 0) * _INDEX_BYTES_PER_SECOND)
    at_once = RESULTS_AT_ONCE if output.format == "mp3" else 1
    return Needs(Share(disk=brought), Share(disk=at_once * min(most, made), memory=index))


def deadline(spec: Spec) -> int:
    """Return the seconds that a try may take: by the media's length, and never more than wanted."""
    seconds = spec.source.duration_seconds
    if seconds is None:
        return spec.active_deadline_seconds
    times = _TIMES_FOR_LOUDNESS if spec.output.loudness else 1
    enough = _SHORTEST_DEADLINE + times * math.ceil(seconds / _SLOWEST_SPEED)
    return min(spec.active_deadline_seconds, enough)


def _made(seconds: float | None, output: ResolvedOutput, most: int) -> int:
    return most if seconds is None else math.ceil(seconds * _bytes_per_second(output))


def _bytes_per_second(output: ResolvedOutput) -> float:
    if output.bitrate:
        return int(output.bitrate.removesuffix("k")) * 1000 / 8
    return _VARIABLE_BITS_PER_SECOND / 8 if output.quality else _PCM_BYTES_PER_SECOND
