from hypothesis import given
from hypothesis import strategies as st

from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.leaps import Leap, has_leaps, leap_to
from soundstrip_worker.mp3.cuts import Span

SAMPLES, KEPT = 1024, 8


@given(st.integers(0, 10**9), st.integers(0, (KEPT - 1) * SAMPLES))
def test_the_packet_before_the_first_sample_is_decoded_and_hardly_more(start: int, skipped: int):
    """Up to seven packets' samples may be skipped at the source's beginning."""
    leap = leap_to(Span(start, None))
    assert leap.packets >= 0
    first_right = (KEPT + leap.packets + 1) * SAMPLES - skipped
    if leap.packets:
        assert first_right <= start < first_right + SAMPLES + skipped
    else:
        assert start < (KEPT + 2) * SAMPLES


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_span_moves_by_the_samples_that_are_left_out(start: int, length: int):
    leap = leap_to(Span(start, start + length))
    moved = leap.span(Span(start, start + length))
    assert moved.end is not None
    assert moved.end - moved.start == length
    assert start - moved.start == leap.packets * SAMPLES
    assert moved.start >= 0
    assert leap.span(Span(start, None)) == Span(moved.start, None)


def test_the_first_packets_are_never_left_out():
    assert Leap(0).options == {"leaps": 1}
    assert Leap(3).options == {"leaps": 1, "bsf:a": "noise=drop='between(n,8,10)'"}


def test_only_aac_whose_packets_are_frames_has_leaps():
    assert has_leaps("aac", Demuxer.MOV)
    assert has_leaps("aac", Demuxer.MATROSKA)
    assert not has_leaps("aac", Demuxer.MPEG_TS)
    assert not has_leaps("mp3", Demuxer.MOV)
    assert not has_leaps(None, Demuxer.MOV)
