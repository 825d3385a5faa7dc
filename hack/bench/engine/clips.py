"""The clips that are converted: made once by this host's FFmpeg, and kept in build/."""

import hashlib
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.bench.engine import sound

_FOLDER = Path(__file__).parents[3] / "build" / "bench"
_MUSIC_SECONDS = 600
_LOOP_SECONDS = 20
_AAC = ("-c:a", "aac", "-b:a", "160k")
_SECOND_BY_SECOND = ("-chunk_duration", "1000000")
"""How Android's MPEG4Writer interleaves (mInterleaveDurationUs), and cameras are alike."""


@dataclass(frozen=True)
class Picture:
    """Noisy pictures at a constant bit rate, of which _LOOP_SECONDS are repeated; or a still."""

    size: str
    rate: str | None = None

    def arguments(self) -> list[str]:
        """Return FFmpeg's arguments that make the loop."""
        if self.rate is None:
            still = f"color=size={self.size}:rate=25:duration={_LOOP_SECONDS}"
            return ["-f", "lavfi", "-i", still, *_X264]
        moving = f"testsrc2=size={self.size}:rate=25:duration={_LOOP_SECONDS},noise=alls=30:allf=t"
        constant = ["-b:v", self.rate, "-maxrate", self.rate, "-bufsize", self.rate]
        filled = ["-x264-params", "nal-hrd=cbr", "-g", "50"]
        return ["-f", "lavfi", "-i", moving, *_X264, *constant, *filled]


_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@dataclass(frozen=True)
class Clip:
    """A video with AAC at 160 kbit/s, 48 kHz, stereo."""

    name: str
    seconds: int
    picture: Picture
    muxing: tuple[str, ...] = _SECOND_BY_SECOND

    @property
    def path(self) -> Path:
        """Where it is, once `make_clips` has made it."""
        return _edition() / f"{self.name.replace(' ', '-')}.mp4"


_HD, _FULL_HD = Picture("1280x720", "4920k"), Picture("1920x1080", "16870k")
_STILL = Picture("64x36")
_FRAME_BY_FRAME = ("-movflags", "+faststart")

M = Clip("M", 600, _HD, (*_SECOND_BY_SECOND, *_FRAME_BY_FRAME))
M_FINE = Clip("M frame by frame", 600, _HD, _FRAME_BY_FRAME)
P = Clip("P", 180, _FULL_HD)
P_FINE = Clip("P frame by frame", 180, _FULL_HD, ())
SECOND = Clip("1 s", 1, Picture("320x180", "300k"))
TEN_MINUTES = Clip("10 min", 600, _STILL)
HOUR = Clip("1 h", 3600, _STILL)
FOUR_HOURS = Clip("4 h", 4 * 3600, _STILL)

CLIPS = (M, M_FINE, P, P_FINE, SECOND, TEN_MINUTES, HOUR, FOUR_HOURS)


def make_clips(clips: Iterable[Clip] = CLIPS) -> None:
    """Make those that are not there, one after the other: about a minute in all."""
    for clip in clips:
        if not clip.path.exists():
            print(f"making clip {clip.name}", flush=True)
            _whole(clip.path, [*_looped(clip), *_copied(clip)])


def _looped(clip: Clip) -> list[str]:
    picture, music = _loop(clip.picture), _music()
    forever = ["-stream_loop", "-1"]
    return [*forever, "-i", str(picture), *forever, "-i", str(music)]


def _copied(clip: Clip) -> list[str]:
    tracks = ["-map", "0:v", "-map", "1:a", "-c", "copy"]
    return [*tracks, "-t", str(clip.seconds), *clip.muxing]


def _loop(picture: Picture) -> Path:
    path = _edition() / f"{picture.size}.mp4"
    if not path.exists():
        _whole(path, picture.arguments())
    return path


def _music() -> Path:
    path = _edition() / "music.m4a"
    if not path.exists():
        raw = ["-f", "s16le", "-ar", str(sound.RATE), "-ac", "2", "-i", "pipe:0"]
        _whole(path, [*raw, *_AAC], sound.compose(_MUSIC_SECONDS))
    return path


def _edition() -> Path:
    """Return a folder that only this recipe uses: another recipe's clips are other clips."""
    recipe = b"".join(Path(file).read_bytes() for file in (__file__, sound.__file__))
    return _FOLDER / f"clips-{hashlib.sha256(recipe).hexdigest()[:12]}"


def _whole(path: Path, arguments: Sequence[str], stdin: Iterable[bytes] = ()) -> None:
    """Let FFmpeg write a file, which appears when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_stem(f"{path.stem}.part")
    command = ["ffmpeg", "-v", "error", "-y", *arguments, str(draft)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        for piece in stdin:
            process.stdin.write(piece)
    assert process.returncode == 0, f"FFmpeg could not make {path.name}"
    draft.rename(path)
