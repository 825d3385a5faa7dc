"""The audio that is asked for, and what of the source: the words of `spec.output`, in Python.

Which words go together, CEL says in the YAML; here they are taken as they come.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ProfileName = Annotated[str, Meta(pattern="^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]
Format = Literal["mp3", "m4a", "opus", "ogg", "flac", "wav", "alac", "original"]
Preset = Literal["fast", "standard", "high"]
Bitrate = Literal[
    "32k", "40k", "48k", "56k", "64k", "80k", "96k",
    "112k", "128k", "160k", "192k", "224k", "256k", "320k",
]  # fmt: skip
Quality = Literal["V0", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9"]
SampleRate = Literal[8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000]
Channels = Literal["mono", "stereo"]
BitDepth = Literal[16, 24]
Tag = Annotated[str, Meta(min_length=1, max_length=255)]
MediaSeconds = Annotated[float, Meta(ge=0, le=31_536_000)]

DEFAULT_FORMAT: Format = "mp3"

NEAR_LOUDNESS = 0.5
"""LU: a result that is this near to the target is as loud as was asked for."""

_BITRATES: dict[Format, dict[Preset, Bitrate]] = {
    "mp3": {"fast": "192k", "standard": "192k", "high": "320k"},
    "m4a": {"fast": "160k", "standard": "160k", "high": "256k"},
    "opus": {"fast": "128k", "standard": "128k", "high": "192k"},
    "ogg": {"fast": "160k", "standard": "160k", "high": "256k"},
}
"""What is made where no rate is named; the formats that are not here have none."""

# ISO/IEC 13818-3, 2.4.2.3: MP3 below 32 kHz has at most 160 kbit/s, and its extension to 12 kHz 64.
_MP3_BY_SAMPLE_RATE: tuple[tuple[int, Bitrate], ...] = ((12_000, "64k"), (24_000, "128k"))


class _Words(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A part of the object, as the API server holds it."""


class Loudness(_Words, frozen=True):
    """How loud the audio is to be, by EBU R128: integrated LUFS, and dBTP that no peak exceeds."""

    target: Annotated[float, Meta(ge=-36, le=-5)] = -23.0
    true_peak: Annotated[float, Meta(ge=-9, le=0)] = -1.0


class Trim(_Words, frozen=True):
    """The part of the track that is taken, in seconds; without a duration it goes to the end."""

    start: MediaSeconds = 0.0
    duration: Annotated[float, Meta(ge=0.01, le=31_536_000)] | None = None


class TrackChoice(_Words, frozen=True):
    """Which audio track is taken: by its place, or the first that declares a language."""

    index: Annotated[int, Meta(ge=0, le=31)] | None = None
    language: (
        Annotated[str, Meta(pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=35)] | None
    ) = None


class Tags(_Words, frozen=True):
    """What is written in place of the source's own words; the others are carried over."""

    title: Tag | None = None
    artist: Tag | None = None
    album: Tag | None = None
    album_artist: Tag | None = None
    composer: Tag | None = None
    genre: Tag | None = None
    date: Tag | None = None
    track: Tag | None = None
    comment: Tag | None = None


class Encoding(_Words, frozen=True):
    """How audio is encoded; what is not said stays as it is in the source, or has a default."""

    format: Format | None = None
    preset: Preset | None = None
    bitrate: Bitrate | None = None
    quality: Quality | None = None
    sample_rate: SampleRate | None = None
    channels: Channels | None = None
    bit_depth: BitDepth | None = None
    loudness: Loudness | None = None


class _Audio(Encoding, frozen=True):
    """How it is encoded, by whose words, and what of the source is taken."""

    profile: ProfileName | None = None
    trim: Trim | None = None
    track: TrackChoice | None = None
    metadata: Tags | None = None
    cover_art: bool = True


class Output(_Audio, frozen=True):
    """The audio that is asked for: encoded as a profile says, or by words of its own."""

    @property
    def needs_profile(self) -> bool:
        """Whether a profile says how it is to be: the one that is named, or the default one."""
        return not any(getattr(self, word) for word in Encoding.__struct_fields__)

    @property
    def canonical(self) -> str:
        """The same text for the same output; what it leaves open is left out."""
        return msgspec.json.encode(self, order="sorted").decode()

    def resolve(
        self, encoding: Encoding | None = None, profile: ProfileName | None = None
    ) -> "ResolvedOutput":
        """Return the audio that this means, encoded by its own words or by a profile's."""
        words = encoding or self
        wanted = {word: getattr(words, word) for word in Encoding.__struct_fields__}
        wanted["format"] = words.format or DEFAULT_FORMAT
        wanted["bitrate"] = words.bitrate or default_bitrate(words)
        return ResolvedOutput(
            **wanted,
            profile=profile,
            trim=self.trim,
            track=self.track,
            metadata=self.metadata,
            cover_art=self.cover_art,
        )


class ResolvedOutput(_Audio, frozen=True):
    """The audio that is made, with nothing left to be filled in; `profile` tells whose words."""

    format: Format


def default_bitrate(words: Encoding) -> Bitrate | None:
    """Return the bit rate where none is named; None for a variable one, and for lossless audio."""
    audio = words.format or DEFAULT_FORMAT
    if words.quality or audio not in _BITRATES:
        return None
    rate = words.sample_rate
    if audio == "mp3" and rate:
        for most, bitrate in _MP3_BY_SAMPLE_RATE:
            if rate <= most:
                return bitrate
    return _BITRATES[audio][words.preset or "standard"]
