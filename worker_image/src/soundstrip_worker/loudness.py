"""Loudness by EBU R128: what FFmpeg's meter says, and the filters that change it.

A gain alone, where the peaks leave room for it; else a gain and a limiter.
"""

import re
from enum import Enum

import msgspec

from soundstrip_crds.audio import Loudness

METER = "ebur128=peak=true:framelog=verbose"
"""Ends with a summary in the log, at level `info`."""

NO_GAIN = "anull"
"""Where nothing was let through: whether there should be something, the encoding will show."""

SILENCE = -70.0
"""LUFS; the gate of BS.1770: what is not above it has no loudness."""

_SUMMARY = re.compile(
    r"Summary:\s+Integrated loudness:\s+I:\s+(\S+) LUFS.*?True peak:\s+Peak:\s+(\S+) dBFS", re.S
)
_OVERSAMPLED = 192_000
"""Hertz; what a true peak is measured at, by BS.1770-5: four times 48 kHz."""

_LOWEST_CEILING = -24.0
"""dB; what FFmpeg's limiter takes."""


class Measured(msgspec.Struct, frozen=True):
    """The integrated loudness in LUFS, and the highest true peak in dBTP."""

    integrated: float
    peak: float


class Limiter(Enum):
    """How the limiter works: milliseconds that it looks ahead, and takes to let go."""

    GENTLE = "attack=5:release=50"
    HARD = "attack=1:release=10"
    """Comes near to any loudness, and is heard."""


class Setting(msgspec.Struct, frozen=True):
    """A gain in dB; and a limiter, and the dBTP that it lets through, if one is needed."""

    gain: float
    ceiling: float | None = None
    limiter: Limiter = Limiter.GENTLE


def parse_summary(log: str) -> Measured | None:
    """Return what the meter says, by the end of FFmpeg's log; None if nothing came to it."""
    found = _SUMMARY.search(log[max(0, log.rfind("Summary:")) :])
    try:
        return Measured(float(found[1]), float(found[2])) if found else None
    except ValueError:
        return None


def plain_setting(source: Measured, wanted: Loudness) -> Setting:
    """Return the gain that is lacking, with a limiter if a peak would come out too high."""
    gain = wanted.target - source.integrated
    if source.peak + gain <= wanted.true_peak:
        return Setting(gain)
    return Setting(gain, wanted.true_peak)


def level_filter(setting: Setting) -> str:
    """Return the filters; with a limiter they leave the sample rate raised.

    Between samples a peak can be higher than they are, so the limiter has to see what is there.
    """
    gain = f"volume={setting.gain:.2f}dB:precision=float"
    if setting.ceiling is None:
        return gain
    ceiling = max(setting.ceiling, _LOWEST_CEILING)
    limit = f"limit={10 ** (ceiling / 20):.6f}:{setting.limiter.value}"
    return f"{gain},aresample={_OVERSAMPLED},alimiter={limit}:level=false:latency=true"
