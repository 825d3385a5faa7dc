import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_crds.conversion import Media
from soundstrip_worker.answers import (
    Basis,
    Chapter,
    Claim,
    Probe,
    parse_last_packet,
    parse_length,
    parse_probe,
)
from soundstrip_worker.demuxers import Container, Demuxer
from soundstrip_worker.pictures import is_fit_picture
from soundstrip_worker.probing import ffprobe_arguments, packets_arguments

MP4 = Container("mp4", Demuxer.MOV)
VIDEO = {"codec_type": "video", "codec_name": "h264", "duration": "10.0", "start_time": "0.0"}


def audio(**fields: Any) -> dict[str, Any]:
    known = {"codec_type": "audio", "codec_name": "aac", "channels": 2, "sample_rate": "44100"}
    return known | fields


def answer(*streams: dict[str, Any], **format_fields: str) -> bytes:
    return json.dumps({"streams": streams, "format": format_fields}).encode()


def claim(*streams: dict[str, Any], container: Container = MP4, **fields: str) -> Claim | None:
    probe = parse_probe(answer(*streams, **fields), container)
    assert probe
    return probe.streams[0].claim


def test_audio_tracks_are_described_in_order():
    english = audio(bit_rate="128000", tags={"language": "eng"})
    probe = parse_probe(answer(english, VIDEO, audio(codec_name="ac3"), duration="10.5"), MP4)
    assert probe
    assert probe.media.duration_seconds == 10.5
    assert [track.index for track in probe.media.tracks] == [0, 1]
    assert probe.media.tracks[0].language == "eng"
    assert probe.media.tracks[0].bitrate == 128_000
    assert probe.media.tracks[1].codec == "ac3"


def test_an_undetermined_language_is_none():
    probe = parse_probe(answer(audio(tags={"language": "und"})), MP4)
    assert probe
    assert probe.media.tracks[0].language is None


def test_the_tracks_own_length_counts_before_the_files():
    assert claim(audio(duration="4.0"), VIDEO, duration="10.0") == Claim(4.0, Basis.TRACK)


def test_a_track_that_starts_late_ends_late():
    late = audio(duration="4.0", start_time="3.5")
    assert claim(late, VIDEO, duration="10.0", start_time="0.5") == Claim(7.0, Basis.TRACK)


def test_matroska_says_in_a_tag_where_a_track_ends():
    tagged = audio(tags={"DURATION": "01:00:02.500000000"})
    assert claim(tagged, duration="4000") == Claim(3602.5, Basis.TRACK)


def test_the_files_length_is_the_last_resort():
    assert claim(audio(), duration="10.0") == Claim(10.0, Basis.FILE)


def test_a_live_recording_claims_nothing():
    assert claim(audio()) is None


@pytest.mark.parametrize("demuxer", [Demuxer.MPEG_TS, Demuxer.MPEG_PS, Demuxer.MP3, Demuxer.AAC])
def test_a_length_that_ffprobe_only_estimates_is_no_claim(demuxer: Demuxer):
    assert claim(audio(duration="9.0"), container=Container("x", demuxer), duration="9.0") is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_probe_or_none(output: bytes):
    parse_probe(output, MP4)
    parse_length(output, Demuxer.MP3)
    is_fit_picture(output)
    parse_last_packet(output)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"codec_type": st.just("audio"), "codec_name": st.text(max_size=100)},
            optional={
                "channels": st.integers(-5, 1000),
                "sample_rate": st.text(max_size=20),
                "bit_rate": st.one_of(st.text(max_size=9), st.integers().map(str)),
                "duration": st.one_of(st.text(max_size=9), st.floats().map(str)),
                "start_time": st.floats().map(str),
                "tags": st.dictionaries(
                    st.sampled_from(["language", "DURATION", "BPS"]), st.text(max_size=90)
                ),
            },
        ),
        max_size=40,
    )
)
def test_whatever_a_file_says_fits_the_contract(streams: list[dict[str, Any]]):
    probe = parse_probe(answer(*streams, duration="nan"), MP4)
    assert probe
    sent = msgspec.json.encode(probe.media)
    assert msgspec.json.decode(sent, type=Media) == probe.media


def test_the_last_packet_is_the_latest_of_the_tail():
    output = b"12.5,12.4\npacket,12.9,12.8\npacket,12.6,12.7\npacket,N/A,N/A\nformat,0.400000\n"
    assert parse_last_packet(output) == pytest.approx(12.5)


def test_a_results_padding_is_not_part_of_its_length():
    output = answer(audio(codec_name="mp3", duration="10.031020", start_time="0.025057"))
    assert parse_length(output, Demuxer.MP3) == pytest.approx(10.005963)


def test_what_opus_skips_is_not_part_of_its_length():
    output = answer(audio(codec_name="opus", duration="10.506500", initial_padding=312))
    assert parse_length(output, Demuxer.OGG) == pytest.approx(10.5)


@pytest.mark.parametrize("build", [ffprobe_arguments, packets_arguments])
def test_ffprobe_gets_a_forced_demuxer_and_may_open_files_only(build: Any):
    arguments = build(Path("/conversion/source/media"), Demuxer.MATROSKA)
    assert arguments[arguments.index("-f") + 1] == "matroska"
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "file,pipe,fd"
    assert arguments[-1] == "file:/conversion/source/media"


def probed(*streams: dict[str, Any], container: Container = MP4, **more: Any) -> Probe:
    probe = parse_probe(json.dumps({"streams": streams, **more}).encode(), container)
    assert probe
    return probe


@pytest.mark.parametrize(
    ("codec", "sample_format", "depth"),
    [
        ("pcm_s16le", "s16", 16),
        ("pcm_s24le", "s32", 24),
        ("flac", "s32", 24),
        ("alac", "s16p", 16),
        ("pcm_f32le", "flt", 24),
        ("aac", "fltp", 16),
    ],
)
def test_the_depth_is_what_the_samples_need(codec: str, sample_format: str, depth: int):
    stream = audio(codec_name=codec, sample_fmt=sample_format)
    assert probed(stream).streams[0].depth == depth


def test_a_bit_rate_is_taken_from_where_it_is_known():
    tagged = audio(tags={"BPS": "96000"})
    alone = probed(audio(), format={"bit_rate": "64000"})
    assert probed(VIDEO, tagged, audio()).media.tracks[0].bitrate == 96_000
    assert alone.media.tracks[0].bitrate == 64_000
    assert probed(VIDEO, audio(), format={"bit_rate": "9000"}).media.tracks[0].bitrate is None


def test_a_cover_is_a_picture_among_the_video_streams():
    cover = {"codec_type": "video", "codec_name": "png", "disposition": {"attached_pic": 1}}
    assert probed(audio(), VIDEO, cover).picture == 1
    assert probed(audio(), VIDEO).picture is None
    assert probed(audio(), cover | {"codec_name": "webp"}).picture is None


@pytest.mark.parametrize(
    ("size", "width", "fits"),
    [("17595", 300, True), ("9000000", 300, False), ("17595", 0, False), ("", 300, False)],
)
def test_a_cover_goes_along_if_its_size_is_known_and_small(size: str, width: int, *, fits: bool):
    told = {"packets": [{"size": size}], "streams": [{"width": width, "height": 300}]}
    assert is_fit_picture(json.dumps(told).encode()) is fits


def test_tags_are_known_words_of_one_file_without_control_characters():
    said = {"TITLE": "../../etc/\x1b[2Jpasswd\x00", "encoder": "x", "artist": "y" * 5000}
    tags = probed(audio(tags={"title": "Track name"}), format={"tags": said}).tags
    assert tags == {"title": "../../etc/[2Jpasswd", "artist": "y" * 1024}


def test_ogg_has_its_tags_in_the_stream():
    stream = audio(codec_name="vorbis", tags={"TITLE": "Song"})
    assert probed(stream, container=Container("ogg", Demuxer.OGG)).tags == {"title": "Song"}


def test_chapters_are_read_with_their_titles():
    chapter = {"start_time": "1.000000", "end_time": "2.5", "tags": {"title": "Two"}}
    assert probed(audio(), chapters=[chapter]).chapters == (Chapter(1.0, 2.5, "Two"),)
