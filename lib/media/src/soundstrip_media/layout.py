"""What an index says of the audio, and what may be asked of it."""

from dataclasses import dataclass

from soundstrip_media.ranges import Range


@dataclass(frozen=True)
class Trim:
    """The part of a file that is wanted, in seconds from its beginning."""

    start: float
    stop: float


@dataclass(frozen=True)
class Layout:
    """Where the audio lies."""

    ranges: tuple[Range, ...]
    """All that is needed: index, headers, audio, in whole grains; sorted, with gaps between."""
    audio_bytes: int
    audio_samples: int
    """The index's samples of audio tracks that are in the ranges; of most codecs, packets."""
    seconds: float | None
    """The length of the longest audio track, before any edit; None if the index has none."""
