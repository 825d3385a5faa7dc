import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.audio import Loudness
from soundstrip_worker.loudness import (
    Limiter,
    Measured,
    Setting,
    level_filter,
    parse_summary,
    plain_setting,
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


def test_the_summary_at_the_end_counts():
    assert parse_summary(SUMMARY) == Measured(-16.6, -12.3)


def test_silence_has_no_peak():
    silence = parse_summary(SUMMARY.replace("-16.6 ", "-70.0 ").replace("-12.3 ", "-inf "))
    assert silence == Measured(-70, float("-inf"))


@given(st.text(max_size=300))
def test_any_log_is_a_measurement_or_none(text: str):
    parse_summary(text)
    parse_summary(SUMMARY + text)


@pytest.mark.parametrize(
    ("target", "peak", "setting"),
    [
        (-23, -1, Setting(-6.4)),
        (-10, -1, Setting(6.6)),
        (-5, -1, Setting(11.6, -1)),
        (-10, -9, Setting(6.6, -9)),
    ],
)
def test_a_gain_is_enough_if_the_peaks_leave_room(target: float, peak: float, setting: Setting):
    plain = plain_setting(Measured(-16.6, -12.3), Loudness(target=target, true_peak=peak))
    assert (plain.gain, plain.ceiling) == (pytest.approx(setting.gain), setting.ceiling)


def test_a_gain_is_one_filter():
    assert level_filter(Setting(-6.4)) == "volume=-6.40dB:precision=float"


def test_a_limiter_sees_the_peaks_between_samples_and_delays_nothing():
    words = level_filter(Setting(6.6, -6, Limiter.HARD))
    assert words == (
        "volume=6.60dB:precision=float,aresample=192000,"
        "alimiter=limit=0.501187:attack=1:release=10:level=false:latency=true"
    )
