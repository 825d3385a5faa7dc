"""Media that hold more than one sound: tracks, chapters, tags and a cover, made by FFmpeg."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 44100
"""Samples a second of what is made here, and at which it is compared."""

TAGS = {"title": "../../etc/passwd", "artist": "Émile; `rm -rf`", "album": "100 % $HOME"}
CHAPTERS = ((0.0, 1.0, "One"), (1.0, 2.5, "Two"), (2.5, 4.0, "Three"))
LANGUAGES = ("deu", "eng")

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10")

Samples = NDArray[np.float32]


def noise(seconds: float, *, seed: int, channels: int = 2, rate: int = RATE) -> Samples:
    """Return soft, smooth noise: each moment of it is like no other, and codecs keep it."""
    random = np.random.default_rng(seed)
    raw = random.normal(size=(int(seconds * rate) + 64, channels))
    smooth = np.apply_along_axis(lambda one: np.convolve(one, np.hanning(64), "valid"), 0, raw)
    part = smooth[: int(seconds * rate)]
    return (0.3 * part / np.abs(part).max()).astype(np.float32)


def write_wav(path: Path, samples: Samples, *, rate: int = RATE, codec: str = "pcm_s16le") -> Path:
    """Write samples (a row for each) to a WAV file."""
    channels = samples.shape[1]
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    raw = ("-f", "f32le", "-ar", f"{rate}", "-ac", f"{channels}", "-channel_layout", layout)
    ffmpeg(*raw, "-i", "-", "-c:a", codec, str(path), content=samples.tobytes())
    return path


def make_film(path: Path, *options: str, seconds: float = 4) -> Path:
    """Make a film with two tracks of noise (seeds 0 and 1), chapters, tags and a cover."""
    folder = path.parent
    tracks = [
        write_wav(folder / f"track-{n}.wav", noise(seconds, seed=n)) for n in range(len(LANGUAGES))
    ]
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x48", "-frames:v", "1", str(folder / "cover.png"))
    (folder / "words").write_text(_words())
    inputs = ["-f", "lavfi", "-i", f"testsrc=size=160x120:rate=10:duration={seconds}"]
    for file in (*tracks, folder / "words", folder / "cover.png"):
        inputs += ["-i", str(file)]
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "4:v", "-map_metadata", "3"]
    cover = ("-c:v:1", "copy", "-disposition:v:1", "attached_pic")
    ffmpeg(*inputs, *maps, *_H264, *cover, *_languages(), *options, str(path))
    return path


def make_pictures(path: Path, *, seconds: int) -> Path:
    """Make a video of four megabits a second, with a key frame each three seconds, and no sound."""
    picture = f"color=size=160x120:rate=25:duration={seconds},noise=alls=60:allf=t"
    codec = ("-c:v", "mpeg4", "-q:v", "2", "-g", "75", "-sc_threshold", "1000000000")
    ffmpeg("-f", "lavfi", "-i", picture, *codec, str(path))
    return path


def make_talk(path: Path, pictures: Path, *options: str, seconds: int) -> Path:
    """Add two tracks of noise (seeds 0 and 1) to a video."""
    tracks = [path.with_name(f"track-{n}.wav") for n in range(len(LANGUAGES))]
    for n, track in enumerate(tracks):
        if not track.exists():
            write_wav(track, noise(seconds, seed=n))
    inputs = [word for file in (pictures, *tracks) for word in ("-i", str(file))]
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-c:v", "copy")
    ffmpeg(*inputs, *maps, *_languages(), *options, str(path))
    return path


def make_plain(path: Path, options: Sequence[str], *, seconds: float = 3) -> Path:
    """Make a file of one track of noise (seed 0), with a picture if the options name a codec."""
    track = write_wav(path.with_suffix(".track.wav"), noise(seconds, seed=0))
    picture = ("-f", "lavfi", "-i", f"testsrc=size=160x120:rate=25:duration={seconds}")
    with_picture = "-c:v" in options
    ffmpeg("-i", str(track), *(picture if with_picture else ()), *options, str(path))
    return path


def _languages() -> list[str]:
    return [
        word
        for n, language in enumerate(LANGUAGES)
        for word in (f"-metadata:s:a:{n}", f"language={language}")
    ]


def decode(
    path: Path, *, channels: int = 1, rate: int = RATE, track: int = 0, filters: str = "anull"
) -> Samples:
    """Decode a track to rows of samples, by Debian's FFmpeg: not the one that is tested."""
    wanted = ("-map", f"0:a:{track}", "-ac", f"{channels}", "-ar", f"{rate}", "-f", "f32le")
    wanted = ("-af", filters, *wanted)
    raw = ffmpeg("-i", str(path), *wanted, "-")
    return np.frombuffer(raw, dtype=np.float32).reshape(-1, channels)


def ffmpeg(*arguments: str, content: bytes | None = None) -> bytes:
    """Run FFmpeg to its end and return what it wrote."""
    command = ["ffmpeg", "-v", "error", "-y", *arguments]
    if content is None:
        command.insert(1, "-nostdin")
    done = subprocess.run(command, check=False, capture_output=True, input=content, timeout=200)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


def _words() -> str:
    escaped = (f"{key}={_escape(text)}" for key, text in TAGS.items())
    chapters = (
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start * 1000:.0f}\nEND={end * 1000:.0f}\ntitle={title}"
        for start, end, title in CHAPTERS
    )
    return "\n".join([";FFMETADATA1", *escaped, *chapters, ""])


def _escape(text: str) -> str:
    return "".join(f"\\{c}" if c in "=;#\\" else c for c in text)
