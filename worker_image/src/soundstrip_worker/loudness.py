"""Loudness by EBU R128: what FFmpeg's filters measure, and the filter that brings it to a target.

First `ebur128` measures. Where the peaks leave room, a gain is all; else `loudnorm` measures what
its limiter would do, and then does it, corrected by that.
"""

import re

import msgspec

from soundstrip_crds.audio import Loudness
from soundstrip_crds.job import Unreadable, read_message

MEASURE = "ebur128=peak=true:framelog=verbose"
"""Ends with a summary in the log, at level `info`."""

NO_GAIN = "anull"
"""Where nothing was let through: whether there should be something, the encoding will show."""

SILENCE = -70.0
"""LUFS; the gate of BS.1770: what is not above it has no loudness."""

_SUMMARY = re.compile(
    r"Summary:\s+Integrated loudness:\s+I:\s+(\S+) LUFS.*?True peak:\s+Peak:\s+(\S+) dBFS", re.S
)
_WIDEST_RANGE = 20
"""LU: so wide that loudnorm doesn't narrow it on purpose."""


class Measured(msgspec.Struct, frozen=True):
    """The integrated loudness in LUFS, and the highest true peak in dBTP."""

    integrated: float
    peak: float


class Analysis(msgspec.Struct, frozen=True):
    """What loudnorm found, in its own words."""

    input_i: str
    input_tp: str
    input_lra: str
    input_thresh: str
    target_offset: str


def parse_summary(log: str) -> Measured | None:
    """Return what `ebur128` measured, by the end of FFmpeg's log."""
    found = _SUMMARY.search(log[max(0, log.rfind("Summary:")) :])
    try:
        return Measured(float(found[1]), float(found[2])) if found else None
    except ValueError:
        return None


def parse_analysis(log: str) -> Analysis | None:
    """Return what `loudnorm` found, by the end of FFmpeg's log."""
    try:
        return read_message(log[log.rfind("{") : log.rfind("}") + 1], Analysis)
    except Unreadable:
        return None


def linear_gain(measured: Measured, wanted: Loudness) -> str | None:
    """Return the filter that changes the volume; None if a peak would come out too high."""
    if measured.integrated <= SILENCE:
        return NO_GAIN
    gain = wanted.target - measured.integrated
    if measured.peak + gain > wanted.true_peak:
        return None
    return f"volume={gain:.2f}dB:precision=float"


def analysis_filter(wanted: Loudness) -> str:
    """Return the filter that finds out what `dynamic_gain` wants to know."""
    return f"{_loudnorm(wanted)}:print_format=json"


def dynamic_gain(analysis: Analysis, wanted: Loudness) -> str:
    """Return the filter that levels the volume and limits the peaks."""
    known = {
        "measured_I": analysis.input_i,
        "measured_TP": analysis.input_tp,
        "measured_LRA": analysis.input_lra,
        "measured_thresh": analysis.input_thresh,
        "offset": analysis.target_offset,
    }
    said = ":".join(f"{name}={float(value):.2f}" for name, value in known.items())
    return f"{_loudnorm(wanted)}:{said}"


def _loudnorm(wanted: Loudness) -> str:
    target = f"I={wanted.target:.2f}:TP={wanted.true_peak:.2f}"
    return f"loudnorm={target}:LRA={_WIDEST_RANGE}:linear=false"
