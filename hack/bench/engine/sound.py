"""Music of a kind, made by arithmetic: chords with vibrato, sweeps, drums, pauses; never the same.

An encoder's speed depends on what it hears, so a tone or a loop would measure something else.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

RATE = 48000
"""Samples a second; two channels."""

_BAR_SECONDS = 2
_BEATS = 8
_HARMONICS = 6
_SCALE = (0, 2, 3, 5, 7, 8, 10)
_PAUSES, _SWEEPS = 0.08, 0.15
"""How many of the bars are all but silent, and how many have a sweep."""

Samples = NDArray[np.float64]


def compose(seconds: int, seed: int = 5) -> Iterator[bytes]:
    """Yield so many seconds of 16-bit stereo, a bar at a time; a seed gives the same again."""
    chance = np.random.default_rng(seed)
    time = np.arange(_BAR_SECONDS * RATE) / RATE
    for _ in range(-(-seconds // _BAR_SECONDS)):
        bar = _play_bar(time, chance)
        yield np.clip(bar * 32767, -32768, 32767).astype("<i2").tobytes()


def _play_bar(time: Samples, chance: np.random.Generator) -> Samples:
    """Return a bar's samples by channel, within -1 and 1."""
    bar = chance.normal(0, 3e-4, (len(time), 2))
    if chance.random() < _PAUSES:
        return bar
    for _ in range(int(chance.integers(2, 5))):
        bar += _pan(0.12 * _note(time, chance), chance)
    bar += _pan(0.25 * _drums(time, chance), chance)
    if chance.random() < _SWEEPS:
        bar += _pan(0.1 * _sweep(time, chance), chance)
    loudness: float = chance.uniform(0.4, 1.0)
    return loudness * bar


def _note(time: Samples, chance: np.random.Generator) -> Samples:
    """A note with vibrato, whose higher harmonics fade sooner."""
    key = int(chance.choice(_SCALE)) + 12 * int(chance.integers(0, 4))
    pitch = 110 * 2 ** (key / 12)
    phase = 2 * np.pi * pitch * time + chance.uniform(2, 6) * np.sin(2 * np.pi * 5.5 * time)
    harmonics = (
        np.sin(n * phase) * np.exp(-time * n * chance.uniform(0.2, 1.5)) / n
        for n in range(1, _HARMONICS + 1)
    )
    attack = np.minimum(1, time / chance.uniform(0.005, 0.2))
    loud: Samples = attack * np.sum(list(harmonics), axis=0)
    return loud


def _drums(time: Samples, chance: np.random.Generator) -> Samples:
    """Bursts of noise on some of the beats."""
    beat = _BAR_SECONDS / _BEATS
    hits = np.repeat(chance.random(_BEATS) < 0.6, len(time) // _BEATS)  # noqa: PLR2004
    fading = np.exp(-(time % beat) * chance.uniform(15, 60))
    loud: Samples = hits * fading * chance.normal(0, 0.5, len(time))
    return loud


def _sweep(time: Samples, chance: np.random.Generator) -> Samples:
    start, end = chance.uniform(60, 16000, 2)
    slope = (end - start) / _BAR_SECONDS
    loud: Samples = np.sin(2 * np.pi * (start * time + slope * time**2 / 2))
    return loud


def _pan(sound: Samples, chance: np.random.Generator) -> Samples:
    angle = chance.uniform(0, np.pi / 2)
    return np.outer(sound, (np.cos(angle), np.sin(angle)))
