"""Which words of an output go together: what the CRD's CEL says, said before a file is stored.

The sentences are the CRD's own; an integration test holds the two to each other.
"""

from collections.abc import Callable

from soundstrip_crds.audio import DEFAULT_FORMAT, Output

_WITH_BITRATE = {"mp3", "m4a", "opus", "ogg"}
_WITH_BIT_DEPTH = {"flac", "wav", "alac"}
_TO_48_KHZ = {"mp3", "opus"}
_OPUS_RATES = {8000, 12000, 16000, 24000, 48000}
_MPEG_1_RATE = 32_000
_MPEG_2_5_RATE = 12_000
_MPEG_2_MOST = 160
_MPEG_2_5_MOST = 64

Contradicts = Callable[[Output], bool]


def contradiction(output: Output) -> str | None:
    """Return the sentence about words that do not go together; None if all do."""
    return next((sentence for contradicts, sentence in _RULES if contradicts(output)), None)


def _has_profile_and_more(output: Output) -> bool:
    return output.profile is not None and not output.needs_profile


def _changes_the_original(output: Output) -> bool:
    changes = (output.preset, output.sample_rate, output.channels, output.loudness)
    return output.format == "original" and any(changes)


def _is_too_fast(output: Output) -> bool:
    return (output.sample_rate or 0) > 48_000 and _format(output) in _TO_48_KHZ  # noqa: PLR2004 - as the sentence says


def _is_no_opus_rate(output: Output) -> bool:
    rate = output.sample_rate
    return output.format == "opus" and rate is not None and rate not in _OPUS_RATES


def _is_too_dense(output: Output) -> bool:
    """ISO/IEC 13818-3, 2.4.2.3."""
    rate, bitrate = output.sample_rate, output.bitrate
    if not rate or not bitrate or _format(output) != "mp3" or rate >= _MPEG_1_RATE:
        return False
    most = _MPEG_2_MOST if rate > _MPEG_2_5_RATE else _MPEG_2_5_MOST
    return int(bitrate.removesuffix("k")) > most


def _format(output: Output) -> str:
    return output.format or DEFAULT_FORMAT


_RULES: tuple[tuple[Contradicts, str], ...] = (
    (
        lambda output: bool(output.bitrate and output.quality),
        "give bitrate or quality, not both",
    ),
    (
        _has_profile_and_more,
        "give a profile, or say how the audio is encoded, not both",
    ),
    (
        lambda output: bool(output.quality) and _format(output) != "mp3",
        "quality is for mp3; give bitrate",
    ),
    (
        lambda output: bool(output.bitrate) and _format(output) not in _WITH_BITRATE,
        "flac, wav, alac and original have no bitrate",
    ),
    (
        lambda output: bool(output.bit_depth) and _format(output) not in _WITH_BIT_DEPTH,
        "bitDepth is for flac, wav and alac",
    ),
    (
        _changes_the_original,
        "original keeps the audio as it is: preset, sampleRate, channels and loudness are for "
        "other formats",
    ),
    (_is_too_fast, "mp3 and opus have at most 48000 samples per second"),
    (_is_no_opus_rate, "opus has 8000, 12000, 16000, 24000 or 48000 samples per second"),
    (
        _is_too_dense,
        "an mp3 below 32000 samples per second has at most 160k, to 12000 at most 64k",
    ),
    (
        lambda output: bool(
            output.track and output.track.index is not None and output.track.language
        ),
        "give a track's index or its language, one of the two",
    ),
)
