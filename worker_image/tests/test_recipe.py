from typing import Any

import pytest

from soundstrip_crds.audio import Loudness, Output, TrackChoice, Trim
from soundstrip_crds.conversion import Media, Track
from soundstrip_crds.job import ExitCode
from soundstrip_worker.answers import AudioStream, Basis, Claim, Probe
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.failures import Rejected
from soundstrip_worker.recipe import Recipe, decide, extents_of, holds_picture, is_kept


def stream(codec: str = "aac", **fields: Any) -> AudioStream:
    known = {"index": 0, "channels": 2, "sample_rate": 44100, "bitrate": 160_000}
    depth = fields.pop("depth", 16)
    whole = fields.pop("whole", False)
    claim = fields.pop("claim", None)
    return AudioStream(Track(codec=codec, **known | fields), depth=depth, whole=whole, claim=claim)


def recipe(output: Output, *streams: AudioStream, **probe: Any) -> Recipe:
    return decide(output.resolve(), Probe(Media(container="mp4"), streams, **probe))


def refusal(output: Output, *streams: AudioStream) -> Rejected:
    with pytest.raises(Rejected) as caught:
        recipe(output, *streams)
    return caught.value


@pytest.mark.parametrize(
    ("output", "source"),
    [
        (Output(format="m4a", bitrate="160k"), stream()),
        (Output(format="m4a", bitrate="160k"), stream(bitrate=168_000)),
        (Output(format="m4a", bitrate="320k", channels="stereo", sample_rate=44100), stream()),
        (Output(format="mp3"), stream("mp3", bitrate=128_000)),
        (Output(format="flac"), stream("flac", bitrate=None)),
        (Output(format="flac", preset="high"), stream("flac", depth=24)),
        (Output(format="wav"), stream("pcm_s16le")),
        (Output(format="wav", bit_depth=24), stream("pcm_s24le", depth=24)),
        (Output(format="alac"), stream("alac")),
        (Output(format="original", trim=Trim(start=1)), stream("ac3")),
    ],
)
def test_audio_that_is_what_is_asked_for_is_kept(output: Output, source: AudioStream):
    assert is_kept(output.resolve(), source)


@pytest.mark.parametrize(
    ("output", "source"),
    [
        (Output(format="m4a", bitrate="128k"), stream()),
        (Output(format="m4a"), stream(bitrate=None)),
        (Output(format="m4a"), stream("mp3")),
        (Output(format="m4a", channels="mono"), stream()),
        (Output(format="m4a", sample_rate=48000), stream()),
        (Output(format="m4a", trim=Trim(start=1)), stream()),
        (Output(format="m4a", loudness=Loudness()), stream()),
        (Output(format="mp3", quality="V0"), stream("mp3", bitrate=64_000)),
        (Output(format="flac", bit_depth=16), stream("flac", depth=24)),
        (Output(format="wav"), stream("pcm_s16be")),
        (Output(format="wav"), stream("pcm_s32le", depth=24)),
    ],
)
def test_all_else_is_encoded(output: Output, source: AudioStream):
    assert not is_kept(output.resolve(), source)


@pytest.mark.parametrize(
    ("codec", "file_type"),
    [
        ("aac", "m4a"),
        ("alac", "m4a"),
        ("mp3", "mp3"),
        ("opus", "opus"),
        ("vorbis", "ogg"),
        ("flac", "flac"),
        ("pcm_s24le", "wav"),
        ("pcm_s16be", "mka"),
        ("ac3", "mka"),
        ("wmav2", "mka"),
    ],
)
def test_an_original_goes_into_a_file_that_fits_it(codec: str, file_type: str):
    made = recipe(Output(format="original"), stream(codec))
    assert (made.file_type, made.copied) == (file_type, True)


def test_an_original_that_no_file_holds_is_refused():
    refused = refusal(Output(format="original"), stream("nellymoser"))
    assert refused.code is ExitCode.UNSUPPORTED_MEDIA
    assert "nellymoser" in refused.message


@pytest.mark.parametrize(
    ("choice", "index"),
    [
        (None, 0),
        (TrackChoice(index=1), 1),
        (TrackChoice(language="FRA"), 1),
        (TrackChoice(language="fre"), 1),
        (TrackChoice(language="fr"), 1),
        (TrackChoice(language="en"), 2),
        (TrackChoice(language="eng"), 2),
        (TrackChoice(language="ger"), 0),
        (TrackChoice(language="qaa-x-own"), 3),
    ],
)
def test_a_track_is_taken_by_its_place_or_language(choice: TrackChoice | None, index: int):
    streams = (
        stream(language="deu"),
        stream(index=1, language="fra"),
        stream(index=2, language="en-GB"),
        stream(index=3, language="qaa-x-own"),
    )
    assert recipe(Output(track=choice), *streams).stream.track.index == index


@pytest.mark.parametrize(
    "choice", [TrackChoice(index=2), TrackChoice(language="ita"), TrackChoice(language="d")]
)
def test_a_track_that_is_not_there_is_refused_with_those_that_are(choice: TrackChoice):
    refused = refusal(Output(track=choice), stream(language="deu"), stream("ac3", index=1))
    assert refused.code is ExitCode.NO_AUDIO_TRACK
    assert refused.message.endswith("there are 0 (aac, deu), 1 (ac3).")


@pytest.mark.parametrize(
    ("sound", "told"),
    [
        (stream(sample_rate=1), "1 Hz"),
        (stream(channels=65), "65 channels"),
        (stream("unknown"), "codec of the file is not supported"),
    ],
)
def test_sound_that_no_audio_has_is_refused_with_what_it_is(sound: AudioStream, told: str):
    refused = refusal(Output(), sound)
    assert refused.code is ExitCode.UNSUPPORTED_MEDIA
    assert told in refused.message


def test_a_video_without_sound_is_refused():
    refused = refusal(Output())
    assert refused.code is ExitCode.NO_AUDIO_TRACK
    assert refused.message == "The file has no audio track."


def test_a_part_beyond_the_end_is_refused():
    refused = refusal(Output(trim=Trim(start=5)), stream(claim=Claim(4.5, Basis.TRACK)))
    assert refused.code is ExitCode.NO_AUDIO_TRACK
    assert "starts at 5.0 s, and the audio ends at 4.5 s" in refused.message


@pytest.mark.parametrize(
    ("trim", "seconds"), [(None, 9), (Trim(start=2), 9), (Trim(start=2, duration=3), 5)]
)
def test_the_part_ends_where_the_trim_or_the_track_does(trim: Trim | None, seconds: float):
    made = recipe(Output(trim=trim), stream(claim=Claim(9, Basis.FILE)))
    assert made.claim == Claim(seconds, Basis.FILE)


@pytest.mark.parametrize(
    ("output", "source", "rate", "channels", "depth"),
    [
        (Output(), stream(sample_rate=96000, channels=6), 48000, 2, 0),
        (Output(), stream(sample_rate=37800, channels=1), 44100, 1, 0),
        (Output(format="opus"), stream(sample_rate=44100, channels=6), 48000, 6, 0),
        (Output(format="opus"), stream(sample_rate=22050), 24000, 2, 0),
        (Output(format="flac"), stream(sample_rate=37800, depth=24), 37800, 2, 24),
        (Output(format="wav", bit_depth=16), stream(depth=24), 44100, 2, 16),
        (Output(format="alac", channels="mono"), stream(sample_rate=None), None, 1, 16),
        (Output(format="m4a"), stream("ac3", channels=None), 44100, None, 0),
    ],
)
def test_samples_are_left_as_they_are_where_the_format_lets_them(
    output: Output, source: AudioStream, rate: int | None, channels: int | None, depth: int
):
    shape = recipe(output, source).shape
    assert shape
    assert (shape.rate, shape.channels, shape.depth) == (rate, channels, depth)


def test_a_cover_goes_where_it_has_a_place_and_is_wanted():
    assert holds_picture(recipe(Output(), stream()))
    assert not holds_picture(recipe(Output(cover_art=False), stream()))
    assert not holds_picture(recipe(Output(format="opus"), stream()))


@pytest.mark.parametrize("rate", [1, 999])
def test_a_sample_rate_from_which_audio_would_swell_to_gigabytes_is_refused(rate: int):
    refused = refusal(Output(), stream(sample_rate=rate))
    assert refused.code is ExitCode.UNSUPPORTED_MEDIA


@pytest.mark.parametrize("rate", [1000, 8000, None])
def test_the_sample_rates_of_real_audio_are_taken(rate: int | None):
    assert recipe(Output(), stream(sample_rate=rate))


LONG = Probe(Media(container="mp4", duration_seconds=600.0))


@pytest.mark.parametrize(
    ("output", "source", "demuxer", "gain", "ways"),
    [
        pytest.param({}, stream(), Demuxer.MOV, "", [True, False], id="AAC in an MP4"),
        pytest.param({}, stream(), Demuxer.MPEG_TS, "", [False], id="in a transport stream"),
        pytest.param({}, stream("opus"), Demuxer.MATROSKA, "", [False], id="another codec"),
        pytest.param({}, stream(), Demuxer.MOV, "volume=-3dB", [False], id="another loudness"),
        pytest.param(
            {"sample_rate": 32000}, stream(), Demuxer.MOV, "", [False], id="another sample rate"
        ),
        pytest.param({"trim": Trim(start=9)}, stream(), Demuxer.MOV, "", [False], id="a part"),
        pytest.param({"format": "flac"}, stream(), Demuxer.MOV, "", [], id="another format"),
    ],
)
def test_what_comes_before_a_segment_is_left_out_where_nothing_remembers_it(
    output: dict[str, Any], source: AudioStream, demuxer: Demuxer, gain: str, ways: list[bool]
):
    wanted = recipe(Output(**{"format": "mp3"} | output), source)
    assert [extent.leaps for extent in extents_of(wanted, LONG, demuxer, gain)] == ways


@pytest.mark.parametrize("preset", ["fast", "standard"])
def test_what_is_left_out_takes_less_time(preset: str):
    wanted = recipe(Output(format="mp3", preset=preset), stream())  # type: ignore[arg-type]
    left_out, decoded = extents_of(wanted, LONG, Demuxer.MOV, "")
    assert left_out.decoding_share < decoded.decoding_share < 1
