"""The arguments of FFmpeg, built by ffmpeg-python: a list, never a shell.

ffmpeg-python imports `past` from `future`, which would import a module `test` from the working
directory (CVE-2025-50817): the image sets PYTHONSAFEPATH, and works in a directory that nobody
can write.
"""

from pathlib import Path

import ffmpeg

from soundstrip_crds.audio import ResolvedOutput
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.probing import AUDIO_CODECS, PROTOCOLS

_COMMAND = ["ffmpeg", "-nostdin", "-hide_banner", "-v", "error", "-stats_period", "0.5", "-y"]


def encoding_arguments(
    media: Path,
    demuxer: Demuxer,
    output: ResolvedOutput,
    *,
    result: Path,
    progress: Path,
    most_bytes: int,
) -> list[str]:
    """Return the command that makes the audio of a file's first audio track.

    Video, subtitles and data are not decoded. `-fs` ends the output near `most_bytes`.
    """
    source = ffmpeg.input(
        f"file:{media}",
        f=demuxer.value,
        protocol_whitelist=PROTOCOLS,
        codec_whitelist=AUDIO_CODECS,
        threads=1,
        **dict.fromkeys(("vn", "sn", "dn")),
    )
    options = {"f": "mp3", "acodec": "libmp3lame", "id3v2_version": 3, "map_chapters": -1}
    made = source["a:0"].output(f"file:{result}", **options, **_rate(output), fs=most_bytes)
    arguments: list[str] = made.compile(cmd=[*_COMMAND, "-progress", f"file:{progress}"])
    return arguments


def _rate(output: ResolvedOutput) -> dict[str, str | int]:
    """A constant bit rate, or LAME's quality from 0 (best) to 9."""
    quality = None if output.quality is None else int(output.quality.removeprefix("V"))
    rate = {"b:a": output.bitrate, "q:a": quality}
    return {option: value for option, value in rate.items() if value is not None}
