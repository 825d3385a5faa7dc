"""The arguments of FFmpeg, built by ffmpeg-python: a list, never a shell.

ffmpeg-python imports `past` from `future`, which would import a module `test` from the working
directory (CVE-2025-50817): the image sets PYTHONSAFEPATH, and works in a directory that nobody
can write.
"""

from pathlib import Path
from typing import Any

import ffmpeg

from soundstrip_crds.conversion import DEFAULT_BITRATE, Output
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.probing import AUDIO_CODECS, PROTOCOLS

_COMMAND = ["ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-stats_period", "0.5", "-y"]


def encoding_arguments(
    media: Path, demuxer: Demuxer, output: Output, *, result: Path, progress: Path, most_bytes: int
) -> list[str]:
    """Return the command that makes the audio of a file's first audio track.

    Video, subtitles and data are not decoded. `-fs` ends the output near `most_bytes`.
    """
    audio = _open(media, demuxer, vn=None, sn=None, dn=None, threads=1)["a:0"]
    options = {"f": "mp3", "acodec": "libmp3lame", "id3v2_version": 3, "map_chapters": -1}
    made = audio.output(f"file:{result}", **options, **_rate(output), fs=most_bytes)
    return _compile(made, progress)


def copying_arguments(media: Path, demuxer: Demuxer, *, progress: Path) -> list[str]:
    """Return the command that only reads a file's first video track, to learn where it ends."""
    video = _open(media, demuxer, an=None, sn=None, dn=None)["v:0"]
    return _compile(video.output("-", f="null", vcodec="copy"), progress)


def _open(media: Path, demuxer: Demuxer, **options: int | None) -> Any:  # noqa: ANN401 - untyped
    return ffmpeg.input(
        f"file:{media}",
        f=demuxer.value,
        protocol_whitelist=PROTOCOLS,
        codec_whitelist=AUDIO_CODECS,
        **options,
    )


def _rate(output: Output) -> dict[str, str | int]:
    """A constant bit rate, or LAME's quality from 0 (best) to 9."""
    if output.quality and not output.bitrate:
        return {"q:a": int(output.quality.removeprefix("V"))}
    return {"b:a": output.bitrate or DEFAULT_BITRATE}


def _compile(stream: Any, progress: Path) -> list[str]:  # noqa: ANN401 - ffmpeg-python has no types
    arguments: list[str] = stream.compile(cmd=[*_COMMAND, "-progress", f"file:{progress}"])
    return arguments
