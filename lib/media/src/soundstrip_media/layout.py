"""What an index says of the audio, and what may be asked of it."""

from collections.abc import Callable
from dataclasses import dataclass

from soundstrip_media.ranges import Range

HEAD_SECONDS = 7.0
"""Of each track so much is always needed: FFmpeg looks at the first five seconds of a file to learn
what its tracks are."""

SECONDS_BEHIND = 1.0
"""What is read behind a part before it is known to be over, and then some."""


@dataclass(frozen=True)
class Wanted:
    """What of a file's audio is wanted, for a reader that seeks as FFmpeg does."""

    track: int | None = None
    """The audio track of this index; None for all, if no language is wanted either."""
    language: Callable[[str], bool] | None = None
    """Tells of a language, by its code, whether it is wanted: the first audio track in it is."""
    seek: float = 0.0
    """Where the reader begins, in seconds from the file's beginning."""
    stop: float | None = None
    """Where it has enough; None for the end."""


ALL = Wanted()


@dataclass(frozen=True)
class Skip:
    """Bytes that are not needed, though a reader that goes through the file comes by.

    It passes them over if they begin with `mark`.
    """

    range: Range
    mark: bytes


@dataclass(frozen=True)
class Layout:
    """Where the audio lies."""

    ranges: tuple[Range, ...]
    """All that is needed: index, headers, audio, in whole grains; sorted, with gaps between."""
    audio_bytes: int
    """The bytes of audio alone; 0 where the index does not tell them from video."""
    audio_samples: int
    """The index's samples of audio tracks that are in the ranges; of most codecs, packets."""
    seconds: float | None
    """The length of the longest audio track, before any edit; None if the index has none."""
    skips: tuple[Skip, ...] = ()
    """What is to be marked in a copy that has the ranges alone, in order."""
