"""Honest files of every container, small, each with a sound that can be recognised.

The rest of the corpus is made from them.
"""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

SECONDS = 2

_PICTURE = f"testsrc=size=64x48:rate=10:duration={SECONDS}"
_TONE = f"0.5*sin(2*PI*(300*t+200*t*t/2)):sample_rate=32000:duration={SECONDS}"
_H264 = ("-c:v", "libx264", "-preset", "ultrafast")
_AAC = ("-c:a", "aac")
_MP3 = ("-c:a", "libmp3lame")
_ALONE = ("-vn",)

_OPTIONS: dict[str, tuple[str, ...]] = {
    "mp4": (*_H264, *_AAC, "-f", "mp4"),
    "faststart.mp4": (*_H264, *_AAC, "-movflags", "faststart", "-f", "mp4"),
    "fragmented.mp4": (*_H264, *_AAC, "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"),
    "mov": (*_H264, "-c:a", "pcm_s16le", "-f", "mov"),
    "mkv": (*_H264, "-c:a", "flac", "-f", "matroska"),
    "webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-f", "webm"),
    "avi": ("-c:v", "mpeg4", *_MP3, "-f", "avi"),
    "flv": ("-c:v", "flv1", *_MP3, "-ar", "44100", "-f", "flv"),
    "wmv": ("-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf"),
    "ts": (*_H264, *_AAC, "-f", "mpegts"),
    "mpg": ("-c:v", "mpeg1video", "-r", "25", "-c:a", "mp2", "-f", "mpeg"),
    "3gp": (*_H264, *_AAC, "-ac", "1", "-f", "3gp"),
    "ogg": (*_ALONE, "-c:a", "libvorbis", "-f", "ogg"),
    "mp3": (*_ALONE, *_MP3, "-f", "mp3"),
    "wav": (*_ALONE, "-c:a", "pcm_s16le", "-f", "wav"),
    "flac": (*_ALONE, "-c:a", "flac", "-f", "flac"),
    "aac": (*_ALONE, *_AAC, "-f", "adts"),
}

NAMES = tuple(_OPTIONS)

SAY_THEIR_LENGTH = frozenset(
    {
        "mp4",
        "faststart.mp4",
        "fragmented.mp4",
        "mov",
        "mkv",
        "webm",
        "avi",
        "flv",
        "wmv",
        "3gp",
        "wav",
        "flac",
    }
)
"""Of these a half is known to be one; of the others it is a shorter file, if it is any."""


class Seeds(Mapping[str, bytes]):
    """The files by name, each made when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, name: str) -> Path:
        """Return where the file is."""
        path = self._directory / f"seed.{name}"
        if not path.exists():
            _make(path, _OPTIONS[name])
        return path

    def __getitem__(self, name: str) -> bytes:
        return self.path(name).read_bytes()

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def silence(path: Path, *, hours: int) -> bytes:
    """Make hours of silence in some kilobytes."""
    quiet = f"anullsrc=sample_rate=8000:channel_layout=mono:duration={hours * 3600}"
    packed = ("-c:a", "flac", "-frame_size", "65535", "-f", "flac")
    _ffmpeg("-f", "lavfi", "-i", quiet, *packed, str(path))
    return path.read_bytes()


def _make(path: Path, options: tuple[str, ...]) -> None:
    sound = f"aevalsrc=exprs={_TONE}"
    _ffmpeg("-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", sound, *options, str(path))


def _ffmpeg(*arguments: str) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True, timeout=200)
