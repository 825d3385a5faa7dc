"""The formats that audio is made in: encoders, muxers, and what each can hold."""

from enum import Enum, auto

import msgspec

from soundstrip_crds.audio import Bitrate, Format, Preset
from soundstrip_crds.job import FileType
from soundstrip_worker.demuxers import Demuxer


class Chapters(Enum):
    """How a kind of file holds chapters."""

    OWN = auto()
    """FFmpeg's muxer writes them; to Opus it would, but rounds the seconds twice."""
    COMMENTS = auto()
    """As Vorbis comments (CHAPTER000, CHAPTER000NAME), which are tags to the muxer."""
    NONE = auto()


class File(msgspec.Struct, frozen=True):
    """A kind of file: who writes it, who reads it again, and what goes into it beside audio."""

    muxer: str
    demuxer: Demuxer
    chapters: Chapters
    picture: bool
    options: dict[str, str] = {}


class Encoder(msgspec.Struct, frozen=True):
    """An encoder of FFmpeg, and what it takes."""

    name: str
    file: FileType
    sample_formats: dict[int, str]
    """By bit depth; lossy encoders have one entry, 0."""
    rates: tuple[int, ...] = ()
    """In rising order; empty if any will do."""
    layouts: tuple[str, ...] = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
    """Channel layouts by the number of channels."""
    presets: dict[Preset, dict[str, str]] = {}
    softer: float = 0.0
    """LU that it takes of the loudness, whatever the sound."""


FILES: dict[FileType, File] = {
    "mp3": File("mp3", Demuxer.MP3, Chapters.OWN, picture=True, options={"id3v2_version": "3"}),
    "m4a": File("ipod", Demuxer.MOV, Chapters.OWN, picture=True),
    "opus": File("opus", Demuxer.OGG, Chapters.COMMENTS, picture=False),
    "ogg": File("ogg", Demuxer.OGG, Chapters.COMMENTS, picture=False),
    "flac": File("flac", Demuxer.FLAC, Chapters.COMMENTS, picture=True),
    "wav": File("wav", Demuxer.WAV, Chapters.NONE, picture=False, options={"rf64": "auto"}),
    "mka": File("matroska", Demuxer.MATROSKA, Chapters.OWN, picture=False),
}

_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_AAC_RATES = (*_MP3_RATES, 64000, 88200, 96000)
_AAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")
_ALAC_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1(back)", "7.1(wide)")
_ANY = 0

# Measured on a minute of stereo, CPU seconds of fast and standard: LAME 0.27 and 0.54,
# AAC 0.36 and 0.68, Opus 0.20 and 0.40, ALAC 0.05 and 0.18. Vorbis has no such choice.
ENCODERS: dict[Format, Encoder] = {
    "mp3": Encoder(
        "libmp3lame",
        "mp3",
        {_ANY: "fltp|s16p|s32p"},
        rates=_MP3_RATES,
        layouts=("mono", "stereo"),
        presets={"fast": {"compression_level": "7"}, "high": {"compression_level": "2"}},
        softer=0.3,  # Measured: 0.2 at V2 and 320k, 0.26 at 192k, 0.45 at 64k and 128k.
    ),
    "m4a": Encoder(
        "aac",
        "m4a",
        {_ANY: "fltp"},
        rates=_AAC_RATES,
        layouts=_AAC_LAYOUTS,
        presets={
            "fast": {"aac_coder": "fast"},
            "standard": {"aac_coder": "twoloop"},
            "high": {"aac_coder": "twoloop"},
        },
    ),
    "opus": Encoder(
        "libopus",
        "opus",
        {_ANY: "flt|s16"},
        rates=(8000, 12000, 16000, 24000, 48000),
        presets={"fast": {"compression_level": "0"}},
    ),
    "ogg": Encoder("libvorbis", "ogg", {_ANY: "fltp"}),
    "flac": Encoder(
        "flac",
        "flac",
        {16: "s16", 24: "s32"},
        presets={"fast": {"compression_level": "0"}, "high": {"compression_level": "8"}},
    ),
    "wav": Encoder("pcm", "wav", {16: "s16", 24: "s32"}),
    "alac": Encoder(
        "alac",
        "m4a",
        {16: "s16p", 24: "s32p"},
        layouts=_ALAC_LAYOUTS,
        presets={"fast": {"compression_level": "0"}},
    ),
}
"""All formats but `original`."""

_PCM = {16: "pcm_s16le", 24: "pcm_s24le"}

CODECS: dict[Format, str] = {
    "mp3": "mp3",
    "m4a": "aac",
    "opus": "opus",
    "ogg": "vorbis",
    "flac": "flac",
    "alac": "alac",
}
"""FFmpeg's name of the codec that a format holds; that of wav follows from the bit depth."""

_ORIGINALS: dict[str, FileType] = {
    "aac": "m4a",
    "alac": "m4a",
    "mp3": "mp3",
    "opus": "opus",
    "vorbis": "ogg",
    "speex": "ogg",
    "flac": "flac",
    **dict.fromkeys(("pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"), "wav"),
    **dict.fromkeys(("pcm_f64le", "pcm_alaw", "pcm_mulaw", "adpcm_ms", "adpcm_ima_wav"), "wav"),
}
_UNHOUSED = frozenset(
    {"aac_latm", "pcm_s8", "pcm_bluray", "pcm_dvd", "adpcm_ima_qt", "adpcm_swf", "nellymoser"}
)


def original_file(codec: str) -> FileType | None:
    """Return the kind of file that audio of a codec is kept in; None if there is none."""
    return None if codec in _UNHOUSED else _ORIGINALS.get(codec, "mka")


def codec_of(audio: Format, depth: int) -> str:
    """Return FFmpeg's name of the codec that a format of this bit depth has."""
    return CODECS.get(audio) or _PCM[depth]


def encoder_name(audio: Format, depth: int) -> str:
    """Return FFmpeg's name of the encoder; for wav the bit depth is part of it."""
    return _PCM[depth] if audio == "wav" else ENCODERS[audio].name


def fitting_rate(encoder: Encoder, rate: int | None) -> int | None:
    """Return the rate itself, or the next higher one that the encoder takes, or its highest."""
    if not rate or not encoder.rates:
        return rate
    return next((each for each in encoder.rates if each >= rate), encoder.rates[-1])


# libvorbis 1.3.7, lib/modes/setup_44.h: bits per second and channel at the qualities -1 to 10,
# for channels that are coupled (stereo) and for others.
_VORBIS_COUPLED = (22.5, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 250)
_VORBIS_UNCOUPLED = (32, 48, 60, 70, 80, 86, 96, 110, 120, 140, 160, 240)
_STEREO = 2


def vorbis_quality(bitrate: Bitrate, channels: int) -> float:
    """Return the quality whose mean bit rate is this one.

    libvorbis refuses a bit rate that a low sample rate has no mode for; it has every quality.
    """
    table = _VORBIS_COUPLED if channels == _STEREO else _VORBIS_UNCOUPLED
    each = min(max(int(bitrate.removesuffix("k")) / channels, table[0]), table[-1])
    above = next(n for n, rate in enumerate(table) if rate >= each)
    if not above:
        return -1.0
    low, high = table[above - 1], table[above]
    return round(above - 2 + (each - low) / (high - low), 2)


_OPUS_MOST = 256
"""kbit/s and channel: FFmpeg's encoder refuses more."""


def opus_bitrate(bitrate: Bitrate, channels: int) -> str:
    """Return the bit rate, or the most that so many channels can have."""
    return f"{min(int(bitrate.removesuffix('k')), _OPUS_MOST * channels)}k"
