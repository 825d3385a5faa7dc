"""How like its source the audio sounds: ViSQOL in audio mode, by visqol-python.

ViSQOL was made for excerpts of some seconds; its scale (MOS-LQO) goes from 1 to about 4.7.
"""

import subprocess
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from hack.bench.engine.subjects import host_ffmpeg
from numpy.typing import NDArray

_RATE = 48000
_EXCERPTS, _EXCERPT_SECONDS = 6, 5

Samples = NDArray[np.float64]


def score(source: Path, results: Mapping[str, Path]) -> dict[str, list[float]]:
    """Return the MOS-LQO of the same excerpts of each result."""
    original = decode(source)
    with ProcessPoolExecutor() as pool:
        pending = {
            name: [pool.submit(_compare, *pair) for pair in _pairs(original, decode(result))]
            for name, result in results.items()
        }
        return {name: [each.result() for each in some] for name, some in pending.items()}


def decode(path: Path) -> Samples:
    """Return the samples of a file's audio as one channel."""
    mono = ["-ac", "1", "-ar", str(_RATE), "-f", "s16le", "-"]
    command = [host_ffmpeg(), "-v", "error", "-i", str(path), "-vn", *mono]
    raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, "<i2") / 32768


def _pairs(one: Samples, other: Samples) -> list[tuple[Samples, Samples]]:
    """Return excerpts of both from the same places, evenly spread."""
    length = _EXCERPT_SECONDS * _RATE
    starts = np.linspace(0, min(len(one), len(other)) - length, _EXCERPTS + 2, dtype=int)[1:-1]
    return [(one[at : at + length], other[at : at + length]) for at in starts]


def _compare(original: Samples, result: Samples) -> float:
    from visqol import VisqolApi  # noqa: PLC0415 - scipy is loaded where it is needed

    judge = VisqolApi()
    judge.create(mode="audio")
    return float(judge.measure_from_arrays(original, result, _RATE).moslqo)
