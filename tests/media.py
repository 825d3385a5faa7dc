"""Media made by FFmpeg in the test run: each clip has a sound of its own that can be recognised."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000
"""Samples a second at which sounds are compared."""

_TOLERANCE_SECONDS = 0.05
_LEAST_CORRELATION = 0.9

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Format:
    """An input format: its extension, and how FFmpeg writes it."""

    extension: str
    options: tuple[str, ...]


_H264 = ("-c:v", "libx264", "-preset", "ultrafast")
_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16")

FORMATS = (
    Format("mp4", (*_H264, "-c:a", "aac", "-f", "mp4")),
    Format("avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame", "-f", "avi")),
    Format("mov", (*_H264, "-c:a", "pcm_s16le", "-f", "mov")),
    Format("mkv", (*_H264, "-c:a", "flac", "-f", "matroska")),
    Format("wmv", ("-c:v", "wmv2", "-c:a", "wmav2", "-f", "asf")),
    Format("flv", ("-c:v", "flv1", "-c:a", "libmp3lame", "-f", "flv")),
    Format("webm", (*_VP8, "-c:a", "libopus", "-f", "webm")),
    Format("m4v", (*_H264, "-c:a", "aac", "-f", "ipod")),
)
"""The eight input formats of the interface."""


def make_clip(path: Path, *, seconds: float = 3, seed: int | None = None) -> Path:
    """Make a video whose sound is a chirp; its extension says the format.

    Clips of different seeds (by default one for each format) have sounds that do not correlate.
    """
    extensions = [each.extension for each in FORMATS]
    number = extensions.index(path.suffix[1:])
    options = FORMATS[number].options
    return _encode(path, options, seconds, _chirp(number if seed is None else seed))


def make_all(directory: Path, *, seconds: float = 3) -> list[Path]:
    """Make one clip in each of the eight formats."""
    return [make_clip(directory / f"clip.{each.extension}", seconds=seconds) for each in FORMATS]


def make_silent_video(path: Path, *, seconds: float = 2) -> Path:
    """Make an MP4 without an audio track."""
    _ffmpeg(*_picture(seconds), *_H264, "-an", "-f", "mp4", str(path))
    return path


def make_text(path: Path) -> Path:
    """Write a text that is called a video."""
    path.write_text("This is no video, whatever its name says.\n" * 40)
    return path


def make_empty(path: Path) -> Path:
    """Write nothing."""
    path.write_bytes(b"")
    return path


def make_headless(path: Path, *, seconds: float = 3) -> Path:
    """Make an MP4 that was cut off before its index: nothing in it can be read."""
    return _cut(make_clip(path, seconds=seconds))


def make_truncated(path: Path, *, seconds: float = 6) -> Path:
    """Make an MP4 that was cut off after its index, which promises more than there is."""
    options = (*FORMATS[0].options, "-movflags", "faststart")
    return _cut(_encode(path, options, seconds, _chirp(0)))


def make_long(path: Path, *, minutes: int) -> Path:
    """Make an MP4 that keeps FFmpeg busy: one minute, repeated without encoding it anew."""
    minute = make_clip(path.with_stem(f"{path.stem}-minute"), seconds=60)
    repeat(minute, path, times=minutes)
    minute.unlink()
    return path


def make_large(path: Path, *, size: int) -> Path:
    """Make an AVI of at least this many bytes: plain pictures, and half a minute of sound."""
    seconds, frame = 30, 1280 * 720 * 3 // 2
    rate = -(-size // (seconds * frame))
    picture = f"color=size=1280x720:rate={rate}:duration={seconds}:color=teal"
    sound = f"aevalsrc=exprs={_chirp(1)}:sample_rate=44100:duration={seconds}"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    _ffmpeg(*inputs, "-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-c:a", "libmp3lame", str(path))
    return path


def make_heavy(path: Path, *options: str, seconds: int = 6) -> Path:
    """Make a video of pictures of 900 kB, four a second, with a little sound between them."""
    picture = f"color=size=1280x720:rate=4:duration={seconds},noise=alls=100:allf=t"
    sound = f"aevalsrc=exprs={_chirp(0)}:sample_rate=44100:duration={seconds}"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    _ffmpeg(*inputs, "-c:v", "mjpeg", "-q:v", "2", "-c:a", "aac", *options, str(path))
    return path


def make_slow(path: Path, *options: str, seconds: int) -> Path:
    """Make a video of few key frames, as films have them, with noise for sound."""
    picture = f"testsrc=size=160x120:rate=25:duration={seconds}"
    sound = f"anoisesrc=duration={seconds}:color=pink:sample_rate=44100:amplitude=0.5:seed=1"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    _ffmpeg(*inputs, "-c:v", "mpeg4", "-c:a", "aac", *options, str(path))
    return path


def repeat(source: Path, path: Path, *, times: int) -> Path:
    """Write a file's tracks into another, several times one after the other."""
    inputs = ("-stream_loop", str(times - 1), "-i", str(source))
    _ffmpeg(*inputs, "-map", "0", "-c", "copy", str(path))
    return path


def rewrite(source: Path, path: Path, *options: str) -> Path:
    """Write a file's tracks into another, as they are where the options don't say otherwise."""
    inputs = options[:2] if options[:1] == ("-i",) else ()
    _ffmpeg("-i", str(source), *inputs, "-c", "copy", *options[len(inputs) :], str(path))
    return path


def list_packets(path: Path, track: str = "a:0") -> list[range]:
    """Return where the packets of a track lie, by default the first of audio, as FFmpeg sees it."""
    wanted = ["-select_streams", track, "-show_entries", "packet=size,pos", "-of", "csv=p=0"]
    listed = _run("ffprobe", "-v", "error", *wanted, str(path)).split()
    pairs = (tuple(map(int, line.split(b",")[:2])) for line in listed)
    return [range(position, position + size) for size, position in pairs]


def list_between(path: Path, start: float, stop: float) -> list[range]:
    """Return where the packets of the first audio track lie that are of this time."""
    entries = ["-select_streams", "a:0", "-show_entries", "packet=pts_time,size,pos"]
    listed = _run("ffprobe", "-v", "error", *entries, "-of", "csv=p=0", str(path)).split()
    rows = [line.split(b",")[:3] for line in listed]
    return [
        range(int(position), int(position) + int(size))
        for time, size, position in rows
        if start <= float(time) < stop
    ]


def list_from(path: Path, *, start: float, stop: float) -> list[range]:
    """Return where the first audio track's packets lie, from where a seek by video leads to."""
    interval = ["-read_intervals", f"+{start}%{stop}"]
    entries = ["-show_entries", "packet=codec_type,size,pos", "-of", "csv=p=0"]
    listed = _run("ffprobe", "-v", "error", *interval, *entries, str(path)).split()
    rows = [line.split(b",")[:3] for line in listed]
    audio = [(int(size), int(position)) for kind, size, position in rows if kind == b"audio"]
    return [range(position, position + size) for size, position in audio]


def decode(path: Path) -> Samples:
    """Decode a file's first audio track to mono at SAMPLE_RATE."""
    arguments = ["-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", str(SAMPLE_RATE)]
    raw = _ffmpeg(*arguments, "-f", "f32le", "-")
    return np.frombuffer(raw, dtype=np.float32)


def correlate(one: Samples, other: Samples) -> tuple[float, float]:
    """Return the highest normalised cross-correlation, and its offset in seconds."""
    size = 1 << (len(one) + len(other) - 1).bit_length()
    spectrum = np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size))
    products = np.fft.irfft(spectrum, size)
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    best = int(np.argmax(products))
    offset = best if best < size // 2 else best - size
    return float(products[best]) / norm if norm else 0.0, offset / SAMPLE_RATE


def assert_same_audio(source: Path, result: Path) -> None:
    """Fail unless both sound the same, at the same time, and for as long."""
    one, other = decode(source), decode(result)
    difference = abs(len(one) - len(other)) / SAMPLE_RATE
    assert difference <= _TOLERANCE_SECONDS, f"the lengths differ by {difference:.3f} s"
    correlation, offset = correlate(one, other)
    assert correlation >= _LEAST_CORRELATION, f"the sounds correlate by {correlation:.2f} only"
    assert abs(offset) <= _TOLERANCE_SECONDS, f"the sound is shifted by {offset:.3f} s"


def _chirp(seed: int) -> str:
    """Rise from one pitch to another, a little differently for each seed."""
    start, slope = 300 + 170 * seed, 60 + 35 * seed
    return f"0.5*sin(2*PI*({start}*t+{slope}*t*t/2))"


def _encode(path: Path, options: tuple[str, ...], seconds: float, sound: str) -> Path:
    stereo = f"aevalsrc=exprs={sound}|{sound}:sample_rate=44100:duration={seconds}"
    _ffmpeg(*_picture(seconds), "-f", "lavfi", "-i", stereo, *options, str(path))
    return path


def _picture(seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc=size=160x120:rate=10:duration={seconds}")


def _cut(path: Path) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _ffmpeg(*arguments: str) -> bytes:
    return _run("ffmpeg", "-nostdin", "-v", "error", "-y", *arguments)


def _run(*command: str) -> bytes:
    done = subprocess.run(command, check=False, capture_output=True, timeout=200)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout
