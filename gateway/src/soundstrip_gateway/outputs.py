"""An output as JSON says it: the contract's words, and no others."""

import msgspec

from soundstrip_crds.audio import Loudness, Output, Tags, TrackChoice, Trim


class LoudnessWish(Loudness, frozen=True, forbid_unknown_fields=True):
    """How loud the audio is to be, by EBU R128: LUFS, and dBTP that no peak exceeds."""


class TrimWish(Trim, frozen=True, forbid_unknown_fields=True):
    """The part that is taken, in seconds; without a duration it goes to the end."""


class TrackWish(TrackChoice, frozen=True, forbid_unknown_fields=True):
    """Which audio track is taken: by its place from 0, or the first that declares a language."""


class TagsWish(Tags, frozen=True, forbid_unknown_fields=True):
    """What is written in place of the source's own words; the others are carried over."""


class OutputWish(Output, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The audio that is asked for: by a profile, or by words of its own; all can be left out."""

    loudness: LoudnessWish | None = None
    trim: TrimWish | None = None
    track: TrackWish | None = None
    metadata: TagsWish | None = None

    @property
    def plain(self) -> Output:
        """The same in the contract's own type."""
        return msgspec.convert(msgspec.to_builtins(self), Output)
