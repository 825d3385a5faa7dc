import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.audio import Loudness
from soundstrip_worker.loudness import (
    Analysis,
    Measured,
    dynamic_gain,
    linear_gain,
    parse_analysis,
    parse_summary,
)

SUMMARY = """Input #0, wav, from 'file:/media':
    title           : Summary: I: 5.0 LUFS
[Parsed_ebur128_0 @ 0x56] Summary:

  Integrated loudness:
    I:         -16.6 LUFS
    Threshold: -26.6 LUFS

  Loudness range:
    LRA:         2.8 LU

  True peak:
    Peak:      -12.3 dBFS
size=N/A time=00:01:00.00 bitrate=N/A speed= 356x
"""
ANALYSIS = """[Parsed_loudnorm_0 @ 0x56]
{
	"input_i" : "-16.57",
	"input_tp" : "-12.25",
	"input_lra" : "2.70",
	"input_thresh" : "-26.57",
	"output_i" : "-13.13",
	"normalization_type" : "dynamic",
	"target_offset" : "-0.87"
}
"""


def test_the_summary_at_the_end_counts():
    assert parse_summary(SUMMARY) == Measured(-16.6, -12.3)


def test_silence_has_no_peak_and_gets_no_gain():
    silence = parse_summary(SUMMARY.replace("-16.6 ", "-70.0 ").replace("-12.3 ", "-inf "))
    assert silence
    assert linear_gain(silence, Loudness()) == "anull"


@given(st.text(max_size=300))
def test_any_log_is_a_measurement_or_none(text: str):
    parse_summary(text)
    parse_summary(SUMMARY + text)
    parse_analysis(text)


@pytest.mark.parametrize(
    ("target", "peak", "gain"),
    [
        (-23, -1, "volume=-6.40dB:precision=float"),
        (-10, -1, "volume=6.60dB:precision=float"),
        (-5, -1, None),
        (-10, -9, None),
    ],
)
def test_a_gain_is_enough_if_the_peaks_leave_room(target: float, peak: float, gain: str | None):
    assert linear_gain(Measured(-16.6, -12.3), Loudness(target=target, true_peak=peak)) == gain


def test_the_limiter_is_told_what_was_found():
    analysis = parse_analysis(ANALYSIS)
    assert analysis == Analysis("-16.57", "-12.25", "2.70", "-26.57", "-0.87")
    words = dynamic_gain(analysis, Loudness(target=-14))
    assert words.startswith("loudnorm=I=-14.00:TP=-1.00:")
    assert words.endswith("measured_thresh=-26.57:offset=-0.87")
