"""LAME, some of whose loops are ours in the image, gives the bytes of Debian's LAME.

But for what silence is followed by, at a constant bit rate without a reservoir.
"""

import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.ffmpeg import shipped

Sound = NDArray[np.float64]
SECONDS = 4

_SOUND = slice(5 * 576, -8 * 576)
"""Bytes of the frames that are not of the silence that LAME has before and after the sound."""


def bursts(t: Sound, noise: Sound) -> Sound:
    """Noise and silence in turns, with clicks beyond full scale."""
    return (noise * (t % 1.3 < 0.2) + 8 * (noise > 1))[:, None].repeat(2, axis=1)


def sweep(t: Sound, noise: Sound) -> Sound:
    """Tones that climb differently in each channel, over a whisper of noise."""
    tones = [0.7 * np.sin(2 * np.pi * (20 + slope * t) * t) for slope in (1000, 900)]
    return np.stack(tones, axis=1) + 1e-5 * noise[:, None]


def fading(t: Sound, noise: Sound) -> Sound:
    """Noise from loud to less than a sample's step."""
    return np.stack([noise, noise[::-1]], axis=1) * np.exp(-3 * t)[:, None]


def make(kind: Callable[[Sound, Sound], Sound], rate: int) -> bytes:
    t = np.arange(rate * SECONDS) / rate
    noise = np.random.default_rng(3).normal(0, 0.4, len(t))
    return kind(t, noise).astype("<f4").tobytes()


def encode(program: str, rate: int, options: str, raw: bytes) -> bytes:
    """Return bare frames: FFmpeg's version stands in the header before them."""
    given = ["-f", "f32le", "-ar", str(rate), "-ac", "2", "-i", "-"]
    bare = ["-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "-"]
    command = [program, "-v", "error", *given, *options.split(), *bare]
    return subprocess.run(command, input=raw, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    ("rate", "options"),
    [
        (48000, "-b:a 192k"),
        (44100, "-b:a 320k -compression_level 2"),
        (48000, "-b:a 128k -compression_level 7"),
        (44100, "-q:a 0 -reservoir 0"),
        (48000, "-q:a 7 -ac 1"),
        (16000, "-b:a 32k -compression_level 0"),
    ],
)
@pytest.mark.parametrize("kind", [bursts, sweep, fading])
def test_it_gives_the_bytes_of_debians(
    kind: Callable[[Sound, Sound], Sound], rate: int, options: str
):
    raw = make(kind, rate)
    own = encode(str(shipped() / "ffmpeg"), rate, options, raw)
    assert own == encode("ffmpeg", rate, options, raw)
    assert len(own) > SECONDS * 1000


@pytest.mark.parametrize("kind", [sweep, fading])
def test_it_gives_them_without_a_reservoir_while_there_is_sound(
    kind: Callable[[Sound, Sound], Sound],
):
    own, debians = (
        encode(program, 48000, "-b:a 192k -reservoir 0", make(kind, 48000))
        for program in (str(shipped() / "ffmpeg"), "ffmpeg")
    )
    assert own[_SOUND] == debians[_SOUND]
    assert len(own) == len(debians) > SECONDS * 1000
