"""The arguments of FFmpeg, built by ffmpeg-python: a list, never a shell.

ffmpeg-python imports `past` from `future`, which would import a module `test` from the working
directory (CVE-2025-50817): the image sets PYTHONSAFEPATH, and works in a directory that nobody
can write.
"""

from pathlib import Path
from typing import Any

import ffmpeg
import msgspec

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_worker.answers import Probe
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.formats import FILES, encoder_name, opus_bitrate, vorbis_quality
from soundstrip_worker.leaps import leap_to
from soundstrip_worker.mp3.cuts import Span
from soundstrip_worker.probing import (
    AUDIO_CODECS,
    MOST_PIXELS,
    PICTURE_CODECS,
    PROTOCOLS,
    SHORT_INDEX,
)
from soundstrip_worker.recipe import Recipe, Shape
from soundstrip_worker.tags import write_tags

_COMMAND = ["ffmpeg", "-nostdin", "-hide_banner", "-stats_period", "0.5", "-y"]
_A_MOMENT = 0.001
"""Seconds that are read of the media for its picture, which comes first."""

_STEREO = 2
_AMPLE_KILOBITS = 160
"""A second, for an MP3 of two channels that share nothing."""

_END_PADDED = frozenset({Demuxer.MATROSKA, Demuxer.MOV})
"""They tell of padding at the end alone: FFmpeg's MP3 muxer makes a wrong delay of that."""

Options = dict[str, Any]

_SHORT_INDEX: Options = {"indexmem": SHORT_INDEX["-indexmem"]}


class Input(msgspec.Struct, frozen=True):
    """The source, the demuxer that reads it, and what ffprobe said."""

    media: Path
    demuxer: Demuxer
    probe: Probe


def making_arguments(
    source: Input,
    recipe: Recipe,
    *,
    chain: str,
    picture: int | None,
    result: Path,
    progress: Path,
    most_bytes: int,
    reservoir: bool = True,
    span: Span | None = None,
    leaps: bool = False,
) -> list[str]:
    """Return the command that makes the audio, or a span of it; encoded, through filters.

    Video, subtitles and data are not decoded; `picture` is a video stream that is copied as
    the cover. `-fs` ends the output near `most_bytes`. Frames without a bit reservoir don't share
    their bits, so that a span's are those of the whole. With `leaps` FFmpeg decodes only what
    the span needs, or fails.
    """
    leap = leap_to(span) if span and leaps else None
    whole_graph: Options = {"reinit_filter": 0} if span else {}
    audio = _open_audio(source, recipe, **whole_graph, **(leap.options if leap else {}))
    streams = [audio] if picture is None else [audio, _open_picture(source, picture)]
    options = (
        _file_options(recipe)
        | _codec_options(source.demuxer, recipe)
        | ({"c:v": "copy", "disposition:v:0": "attached_pic"} if len(streams) > 1 else {})
        | ({"af": _cut(chain, leap.span(span) if span and leap else span)} if recipe.shape else {})
        | ({} if reservoir else {"reservoir": 0})
        | _part_options(recipe)
    )
    made = ffmpeg.output(*streams, f"file:{result}", **options, fs=most_bytes)
    *words, destination = _compile(made, "error", progress, *(["-xerror"] if leap else []))
    return [*words, *_tag_words(source.probe, recipe), destination]


def _cut(chain: str, span: Span | None) -> str:
    """Cut a span out by counting samples, behind all other filters.

    A filter graph that is built anew, where the format changes, would count from 0 again: with
    `-reinit_filter 0` FFmpeg fails there instead.
    """
    if span is None:
        return chain
    end = "" if span.end is None else f":end_sample={span.end}"
    return ",".join(filter(None, (chain, f"atrim=start_sample={span.start}{end}")))


def measuring_arguments(source: Input, recipe: Recipe, *, chain: str, progress: Path) -> list[str]:
    """Return the command that sends the audio through filters that log what they find."""
    return _logging(_open_audio(source, recipe), chain, progress)


def reviewing_arguments(result: Input, *, chain: str, progress: Path) -> list[str]:
    """Return the command that does so with the one track of a result."""
    return _logging(_open(result, AUDIO_CODECS, vn=None)["a:0"], chain, progress)


def _logging(audio: Any, chain: str, progress: Path) -> list[str]:  # noqa: ANN401 - ffmpeg-python has no types
    return _compile(ffmpeg.output(audio, "-", af=chain, f="null"), "info", progress, "-nostats")


def _compile(made: Any, level: str, progress: Path, *words: str) -> list[str]:  # noqa: ANN401 - as above
    command = [*_COMMAND, *words, "-v", level, "-progress", f"file:{progress}"]
    arguments: list[str] = made.compile(cmd=command)
    return arguments


def _open(source: Input, codecs: str, **options: Any) -> Any:  # noqa: ANN401 - as above
    return ffmpeg.input(
        f"file:{source.media}",
        f=source.demuxer.value,
        protocol_whitelist=PROTOCOLS,
        codec_whitelist=codecs,
        threads=1,
        **dict.fromkeys(("sn", "dn")),
        **options,
    )


def _open_audio(source: Input, recipe: Recipe, **options: Any) -> Any:  # noqa: ANN401 - as above
    """Open the source where the part begins, give or take; the filters cut what comes before it."""
    seek = {"ss": recipe.seek.second, "noaccurate_seek": None} if recipe.seek else _SHORT_INDEX
    audio = _open(source, AUDIO_CODECS, vn=None, **options, **seek)
    return audio[f"a:{recipe.stream.track.index}"]


def _open_picture(source: Input, picture: int) -> Any:  # noqa: ANN401 - as above
    """Open the source once more, and read the picture alone.

    As a second stream of the one input it would hold FFmpeg's progress at its own time.
    """
    limits = {"t": _A_MOMENT, "max_pixels": MOST_PIXELS}
    return _open(source, PICTURE_CODECS, **limits, an=None)[f"v:{picture}"]


def _file_options(recipe: Recipe) -> Options:
    """Nothing of the source's own tags comes along but by `write_tags`, and chapters' titles."""
    file = FILES[recipe.file_type]
    return {
        "f": file.muxer,
        **file.options,
        "map_metadata:g": -1,
        "map_metadata:s": -1,
        "map_chapters": 0 if recipe.chapters else -1,
    }


def _tag_words(probe: Probe, recipe: Recipe) -> list[str]:
    """ffmpeg-python cannot give an option more than once."""
    language = recipe.stream.track.language
    of_track = ["-metadata:s:a:0", f"language={language}"] if language else []
    return [word for tag in write_tags(recipe, probe) for word in ("-metadata", tag)] + of_track


def _codec_options(demuxer: Demuxer, recipe: Recipe) -> Options:
    shape, output = recipe.shape, recipe.output
    if shape is None:
        misled = recipe.file_type == "mp3" and demuxer in _END_PADDED
        return {"c:a": "copy"} | ({"write_xing": 0} if misled else {})
    preset = shape.encoder.presets.get(output.preset or "standard", {})
    return {
        "c:a": encoder_name(output.format, shape.depth),
        **preset,
        **_plain_stereo(output),
        **_rate(output, shape),
    }


def _plain_stereo(output: ResolvedOutput) -> Options:
    """Have LAME not look whether sum and difference would be the smaller, if all fits anyway.

    That look takes a fifth of what is left of its time at `fast`.
    """
    ample = output.bitrate and int(output.bitrate.removesuffix("k")) >= _AMPLE_KILOBITS
    plain = output.format == "mp3" and output.preset == "fast" and ample
    return {"joint_stereo": 0} if plain else {}


def _rate(output: ResolvedOutput, shape: Shape) -> Options:
    """A bit rate, or a quality: LAME's from 0 (best) to 9, or libvorbis's from -1 to 10 (best)."""
    if output.quality:
        return {"q:a": int(output.quality.removeprefix("V"))}
    if output.bitrate is None:
        return {}
    if output.format == "ogg":
        return {"q:a": vorbis_quality(output.bitrate, shape.channels or _STEREO)}
    if output.format == "opus":
        return {"b:a": opus_bitrate(output.bitrate, shape.channels or 1)}
    return {"b:a": output.bitrate}


def _part_options(recipe: Recipe) -> Options:
    """Cut a copy at its packets, and have chapters begin with the part; filters cut the rest."""
    trim = recipe.output.trim
    if trim is None or not recipe.shifted:
        return {}
    length = {} if trim.duration is None else {"t": f"{trim.duration:.6f}"}
    return {"ss": f"{recipe.begin:.6f}", **length}
