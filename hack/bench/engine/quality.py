"""How like its source the audio sounds: ViSQOL in audio mode, by visqol-python.

ViSQOL was made for excerpts of some seconds of one channel; its scale (MOS-LQO) goes from 1 to
about 4.7. The left channel and the right one take turns: in their sum, what was done to only one
of them, or to their difference, would be heard less or not at all.
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
    """Return the MOS-LQO of the same excerpts of each result, in stereo as its source is."""
    original = decode(source)
    with ProcessPoolExecutor() as pool:
        pending = {
            name: [pool.submit(_compare, *pair) for pair in _pairs(original, decode(result))]
            for name, result in results.items()
        }
        return {name: [each.result() for each in some] for name, some in pending.items()}


def decode(path: Path) -> Samples:
    """Return the samples of a file's audio, two channels."""
    stereo = ["-ac", "2", "-ar", str(_RATE), "-f", "s16le", "-"]
    command = [host_ffmpeg(), "-v", "error", "-i", str(path), "-vn", *stereo]
    raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, "<i2").reshape(-1, 2) / 32768


def _pairs(one: Samples, other: Samples) -> list[tuple[Samples, Samples]]:
    """Return excerpts of both from the same places, evenly spread, of one channel each."""
    length = _EXCERPT_SECONDS * _RATE
    starts = np.linspace(0, min(len(one), len(other)) - length, _EXCERPTS + 2, dtype=int)[1:-1]
    spans = [(slice(at, at + length), n % 2) for n, at in enumerate(starts)]
    return [(one[span], other[span]) for span in spans]


def _compare(original: Samples, result: Samples) -> float:
    from visqol import VisqolApi  # noqa: PLC0415 - scipy is loaded where it is needed

    judge = VisqolApi()
    judge.create(mode="audio")
    return float(judge.measure_from_arrays(original, result, _RATE).moslqo)
