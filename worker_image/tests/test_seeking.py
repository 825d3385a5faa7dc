import pytest

from soundstrip_crds.audio import Output, TrackChoice, Trim
from soundstrip_media.layout import Wanted
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.seeking import is_early, parse_landing, second_of, starts_of, wanted_of


@pytest.mark.parametrize(
    ("trim", "second"),
    [
        (None, 0),
        (Trim(), 0),
        (Trim(duration=2), 0),
        (Trim(start=8.99), 0),
        (Trim(start=9), 7),
        (Trim(start=100.999), 98),
    ],
)
def test_ffmpeg_begins_at_a_whole_second_well_before_the_part(trim: Trim | None, second: int):
    assert second_of(trim) == second


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (Output(), Wanted(track=0)),
        (Output(track=TrackChoice(index=3)), Wanted(track=3)),
        (Output(trim=Trim(start=20.5)), Wanted(track=0, seek=18)),
        (Output(trim=Trim(start=3, duration=2)), Wanted(track=0, stop=5)),
        (Output(trim=Trim(start=30, duration=2.5)), Wanted(track=0, seek=28, stop=32.5)),
    ],
)
def test_what_is_wanted_of_a_source_follows_from_the_output(output: Output, wanted: Wanted):
    assert wanted_of(output.resolve()) == wanted


def test_a_track_is_wanted_by_any_code_of_its_language():
    wanted = wanted_of(Output(track=TrackChoice(language="de")).resolve())
    assert wanted.language
    assert wanted.track is None
    assert [wanted.language(code) for code in ("deu", "ger", "eng")] == [True, True, False]


def test_only_where_an_index_leads_is_sought():
    assert starts_of(20, Demuxer.MOV) == (20,)
    assert min(starts_of(20, Demuxer.MATROSKA)) < 20
    assert all(
        starts_of(20, demuxer) == ()
        for demuxer in Demuxer
        if demuxer not in {Demuxer.MOV, Demuxer.MATROSKA}
    )


def test_a_landing_is_the_first_packet_of_its_stream():
    listed = (
        b'{"packets":[{"stream_index":0,"pts_time":"7.0"},{"stream_index":1},'
        b'{"stream_index":1,"pts_time":"8.5"},{"stream_index":1,"pts_time":"9.0"}]}'
    )
    assert parse_landing(listed, 1) is None
    assert parse_landing(listed, 0) == 7.0
    assert parse_landing(listed, 2) is None
    assert parse_landing(b"no list", 0) is None


@pytest.mark.parametrize(
    ("landings", "early"),
    [
        ((), False),
        ((None,), False),
        ((19.0,), True),
        ((19.5, 3.0), False),
        ((12.0, None), False),
        ((12.0, 3.0), True),
    ],
)
def test_a_seek_has_to_lead_to_a_second_before_the_part(
    landings: tuple[float | None, ...], *, early: bool
):
    assert is_early(landings, Trim(start=20), 0.0) is early
    later = [None if each is None else each + 100 for each in landings]
    assert is_early(later, Trim(start=20), 100.0) is early
