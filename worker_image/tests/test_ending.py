import msgspec
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.conversion import Media, Result, Track
from soundstrip_crds.job import TERMINATION_MESSAGE_LIMIT, ConverterReport, MoverReport
from soundstrip_worker.ending import fit

RESULT = Result(
    file_id="0" * 24,
    filename="\N{GRINNING FACE}" * 255,
    size=1 << 40,
    sha256="f" * 64,
    content_type="audio/mpeg",
    duration_seconds=123456.789,
    bitrate=320_000,
)


def tracks(count: int, word: str) -> tuple[Track, ...]:
    return tuple(Track(index=n, codec=word, language=word, channels=8) for n in range(count))


@given(st.integers(0, 32), st.text(max_size=63), st.text(max_size=1024))
def test_a_report_always_fits_the_termination_message(count: int, word: str, message: str):
    media = Media(container=word, tracks=tracks(count, word))
    for report in (
        MoverReport(result=RESULT, media=media, message=message),
        ConverterReport(duration_seconds=1, media=media, message=message),
    ):
        content = fit(report)
        assert len(content) <= TERMINATION_MESSAGE_LIMIT
        msgspec.json.decode(content, type=type(report))


def test_the_result_stays_whole_and_tracks_go_first():
    report = MoverReport(result=RESULT, media=Media(container="mp4", tracks=tracks(32, "x" * 63)))
    told = msgspec.json.decode(fit(report), type=MoverReport)
    assert told.result == RESULT
    assert told.media
    assert told.media.container == "mp4"
    assert 0 < len(told.media.tracks) < 32


def test_a_report_that_fits_is_left_alone():
    report = ConverterReport(duration_seconds=3, media=Media(container="mp4"), message="well")
    assert msgspec.json.decode(fit(report), type=ConverterReport) == report
