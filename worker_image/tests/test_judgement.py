import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.job import REASON_OF_EXIT_CODE, ExitCode
from soundstrip_crds.reasons import PERMANENT, TRANSIENT
from soundstrip_worker.answers import Basis, Claim
from soundstrip_worker.failures import Disrupted, Failure, Rejected
from soundstrip_worker.judgement import (
    Ending,
    Made,
    Verdict,
    judge,
    refuse_probe,
    size_bound,
)

WELL = Ending(status=0, complaints="")
BADLY = Ending(status=183, complaints="[mp3 @ 0x55d0] Header missing\nError while decoding\n")


def made(seconds: float, size: int = 1000) -> Made:
    return Made(size=size, most_bytes=1_000_000, reached=seconds, seconds=seconds)


def failure_of(ending: Ending, output: Made, claim: Claim | None) -> Failure:
    with pytest.raises(Failure) as caught:
        judge(ending, output, claim)
    return caught.value


def test_audio_of_the_claimed_length_is_good_whatever_the_exit_code():
    assert judge(WELL, made(29.9), Claim(30, Basis.TRACK)) is Verdict.GOOD
    assert judge(BADLY, made(29.9), Claim(30, Basis.TRACK)) is Verdict.GOOD


def test_exit_code_0_with_less_than_the_track_claims_is_damage():
    failure = failure_of(WELL, made(12), Claim(30, Basis.TRACK))
    assert failure.code is ExitCode.CORRUPT_MEDIA
    assert "30.0 s" in failure.message
    assert "12.0 s" in failure.message


def test_less_than_the_file_claims_is_in_doubt():
    assert judge(WELL, made(12), Claim(30, Basis.FILE)) is Verdict.DOUBTFUL


def test_without_a_claim_the_exit_code_decides():
    assert judge(WELL, made(12), None) is Verdict.GOOD
    assert failure_of(BADLY, made(12), None).code is ExitCode.CORRUPT_MEDIA


@pytest.mark.parametrize("claim", [None, Claim(0.2, Basis.TRACK), Claim(30, Basis.FILE)])
def test_exit_code_0_without_audio_is_damage(claim: Claim | None):
    assert failure_of(WELL, made(0, size=0), claim).code is ExitCode.CORRUPT_MEDIA
    assert failure_of(WELL, made(0, size=300), claim).code is ExitCode.CORRUPT_MEDIA


def test_a_full_disk_is_no_fault_of_the_file():
    full = Ending(1, "av_interleaved_write_frame(): No space left on device\n")
    failure = failure_of(full, made(2), Claim(30, Basis.TRACK))
    assert failure.code is ExitCode.DISK_FULL
    assert isinstance(failure, Disrupted)


def test_a_killed_ffmpeg_is_a_lost_worker():
    assert failure_of(Ending(-9, ""), made(2), None).code is ExitCode.WORKER_LOST


def test_audio_at_the_bound_is_too_large():
    output = Made(size=900, most_bytes=900, reached=5, seconds=5)
    assert failure_of(WELL, output, Claim(5, Basis.TRACK)).code is ExitCode.LIMIT_EXCEEDED


def test_the_last_complaint_that_says_something_is_quoted():
    complaints = (
        "[h264 @ 0x5] Codec (h264) not on whitelist 'aac'\n"
        "[mov,mp4 @ 0x564026205500] moov atom not found\x1b[2J\n"
        "    Last message repeated 1 times\n"
        "file:/conversion/source/media: Invalid data found when processing input\n"
    )
    failure = refuse_probe(Ending(1, complaints.replace("h264", "h265").split("\n", 1)[1]))
    assert failure.code is ExitCode.CORRUPT_MEDIA
    assert failure.message.endswith("(FFmpeg: moov atom not found[2J).")


def test_an_audio_codec_that_may_not_run_is_unsupported():
    ending = Ending(1, "[atrac3 @ 0x5] Codec (atrac3) not on whitelist 'aac'\n")
    assert refuse_probe(ending).code is ExitCode.UNSUPPORTED_MEDIA


def test_a_file_that_takes_too_long_to_look_at_exceeds_the_limit():
    ending = Ending(-9, "", timed_out=True)
    assert refuse_probe(ending).code is ExitCode.LIMIT_EXCEEDED


def test_a_file_over_which_ffmpeg_crashes_is_damaged_however_much_was_made():
    crashed = Ending(-signal.SIGSEGV, "")
    assert refuse_probe(crashed).code is ExitCode.CORRUPT_MEDIA
    with pytest.raises(Rejected) as caught:
        judge(crashed, made(10.0), Claim(10.0, Basis.TRACK))
    assert caught.value.code is ExitCode.CORRUPT_MEDIA


def test_a_file_for_which_there_is_not_enough_memory_exceeds_the_limit():
    assert refuse_probe(Ending(1, "x: Cannot allocate memory")).code is ExitCode.LIMIT_EXCEEDED


ENDINGS = st.builds(Ending, st.integers(-64, 255), st.text(max_size=200), st.booleans())
CLAIMS = st.builds(Claim, st.floats(0, 1e6), st.sampled_from(Basis))


def family(ending: Ending, output: Made, claim: Claim | None) -> Failure | None:
    try:
        judge(ending, output, claim)
    except Failure as failure:
        return failure
    return None


@given(ENDINGS, st.floats(0, 1e6), st.integers(0, 2_000_000), st.none() | CLAIMS)
def test_every_run_has_a_verdict_or_a_failure_of_the_right_family(
    ending: Ending, seconds: float, size: int, claim: Claim | None
):
    failure = family(ending, made(seconds, size), claim)
    if failure:
        reasons = PERMANENT if isinstance(failure, Rejected) else TRANSIENT
        assert REASON_OF_EXIT_CODE[failure.code] in reasons
        assert len(failure.message) <= 1024


@given(st.integers(1, 10**12))
def test_ffmpeg_stops_before_the_bound(most_bytes: int):
    assert 0 < size_bound(most_bytes) <= most_bytes
