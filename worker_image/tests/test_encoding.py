from pathlib import Path

import pytest
from msgspec.structs import replace

from soundstrip_crds.audio import Output, ResolvedOutput, Tags, Trim
from soundstrip_crds.conversion import Media, Track
from soundstrip_worker.answers import AudioStream, Chapter, Probe
from soundstrip_worker.demuxers import Demuxer
from soundstrip_worker.encoding import Input, making_arguments, measuring_arguments
from soundstrip_worker.filters import chain
from soundstrip_worker.recipe import decide
from soundstrip_worker.seeking import Seek

STREAM = AudioStream(Track(index=0, codec="ac3", channels=2, sample_rate=48000, language="deu"))
SECOND = AudioStream(Track(index=1, codec="aac", channels=2, sample_rate=48000))
CHAPTERS = (Chapter(0, 2, "One"), Chapter(2, 5.25, "Two"), Chapter(5.25, 9, ""))


def make(output: Output, probe: Probe | None = None, picture: int | None = None) -> list[str]:
    return make_resolved(output.resolve(), probe, picture)


def make_resolved(
    output: ResolvedOutput, probe: Probe | None = None, picture: int | None = None
) -> list[str]:
    probe = probe or Probe(Media(container="mp4"), (STREAM, SECOND))
    recipe = decide(output, probe)
    return making_arguments(
        Input(Path("/conversion/source/media"), Demuxer.MOV, probe),
        recipe,
        chain=chain(recipe, recipe.shape) if recipe.shape else "",
        picture=picture,
        result=Path("/conversion/output/result"),
        progress=Path("/conversion/output/progress"),
        most_bytes=1000,
    )


def value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def values(words: list[str], option: str) -> list[str]:
    return [words[n + 1] for n, word in enumerate(words) if word == option]


@pytest.mark.parametrize("bitrate", ["128k", "192k", "320k"])
def test_a_bit_rate_is_constant(bitrate: str):
    words = make_resolved(ResolvedOutput(format="mp3", bitrate=bitrate))  # type: ignore[arg-type]
    assert value(words, "-b:a") == bitrate
    assert "-q:a" not in words


@pytest.mark.parametrize(
    ("bitrate", "preset", "is_plain"),
    [("160k", "fast", True), ("128k", "fast", False), ("320k", "standard", False)],
)
def test_only_a_fast_mp3_with_bits_to_spare_is_plain_stereo(
    bitrate: str, preset: str, *, is_plain: bool
):
    output = ResolvedOutput(format="mp3", bitrate=bitrate, preset=preset)  # type: ignore[arg-type]
    assert ("-joint_stereo" in make_resolved(output)) == is_plain


@pytest.mark.parametrize("number", range(10))
def test_a_quality_is_lames(number: int):
    words = make_resolved(ResolvedOutput(format="mp3", quality=f"V{number}"))  # type: ignore[arg-type]
    assert value(words, "-q:a") == str(number)
    assert "-b:a" not in words


@pytest.mark.parametrize(
    ("output", "encoder", "muxer"),
    [
        (Output(format="mp3"), "libmp3lame", "mp3"),
        (Output(format="m4a"), "aac", "ipod"),
        (Output(format="opus"), "libopus", "opus"),
        (Output(format="ogg"), "libvorbis", "ogg"),
        (Output(format="flac"), "flac", "flac"),
        (Output(format="wav"), "pcm_s16le", "wav"),
        (Output(format="wav", bit_depth=24), "pcm_s24le", "wav"),
        (Output(format="alac"), "alac", "ipod"),
        (Output(format="original"), "copy", "matroska"),
    ],
)
def test_each_format_has_its_encoder_and_muxer(output: Output, encoder: str, muxer: str):
    words = make(output)
    assert value(words, "-c:a") == encoder
    assert values(words, "-f") == ["mov", muxer]


def test_only_the_audio_track_that_is_meant_is_touched():
    words = make(Output())
    options = words[: words.index("-i")]
    assert {"-vn", "-sn", "-dn"} <= set(options)
    assert values(words, "-map") == ["0:a:0"]


def test_the_input_is_bound_to_its_demuxer_protocols_and_codecs():
    words = make(Output())
    options = words[: words.index("-i")]
    assert value(options, "-f") == "mov"
    assert value(options, "-protocol_whitelist") == "file,pipe,fd"
    assert "h264" not in value(options, "-codec_whitelist")
    assert "png" not in value(options, "-codec_whitelist")


def test_ffmpeg_reads_no_terminal_and_stops_at_the_bound():
    words = make(Output())
    assert "-nostdin" in words
    assert value(words, "-fs") == "1000"
    assert value(words, "-progress") == "file:/conversion/output/progress"
    assert words[-1] == "file:/conversion/output/result"


def test_a_copy_goes_through_no_filter():
    assert "-af" not in make(Output(format="original"))


@pytest.mark.parametrize(("codec", "header"), [("mp3", False), ("aac", True)])
def test_a_copied_mp3_gets_no_header_where_its_delay_would_be_wrong(codec: str, *, header: bool):
    stream = AudioStream(Track(index=0, codec=codec, channels=2, sample_rate=44100))
    words = make(Output(format="original"), Probe(Media(container="mp4"), (stream,)))
    assert ("-write_xing" not in words) is header


def test_a_copy_is_cut_by_ffmpeg_at_its_packets():
    words = make(Output(format="original", trim=Trim(start=1.5, duration=2)))
    assert (value(words, "-ss"), value(words, "-t")) == ("1.500000", "2.000000")


def test_a_part_is_sought_where_the_source_leads_there():
    probe = Probe(Media(container="mp4"), (STREAM,))
    output = Output(format="original", trim=Trim(start=20.5, duration=2))
    recipe = replace(decide(output.resolve(), probe), seek=Seek(18))
    words = making_arguments(
        Input(Path("/media"), Demuxer.MOV, probe),
        recipe,
        chain="",
        picture=None,
        result=Path("/result"),
        progress=Path("/progress"),
        most_bytes=1000,
    )
    assert values(words, "-ss") == ["18", "2.500000"]
    assert words.index("-ss") < words.index("-i")
    assert "-noaccurate_seek" in words
    assert "-indexmem" not in words


def test_a_cover_is_copied_from_the_source_opened_again():
    words = make(Output(), picture=1)
    assert values(words, "-map") == ["0:a:0", "1:v:1"]
    assert value(words, "-c:v") == "copy"
    assert value(words, "-disposition:v:0") == "attached_pic"
    assert values(words, "-codec_whitelist")[1] == "mjpeg,png"


def test_tags_are_the_sources_but_for_those_that_are_asked_for():
    probe = Probe(Media(container="mp4"), (STREAM,), {"title": "Old", "artist": "A=B"})
    words = make(Output(metadata=Tags(title="New\x1b", album_artist="C")), probe)
    assert values(words, "-metadata") == ["title=New", "artist=A=B", "album_artist=C"]
    assert value(words, "-metadata:s:a:0") == "language=deu"
    assert value(words, "-map_metadata:g") == "-1"


def test_chapters_are_written_by_ffmpeg_where_it_can():
    probe = Probe(Media(container="mp4"), (STREAM,), chapters=CHAPTERS)
    words = make(Output(trim=Trim(start=1)), probe)
    assert value(words, "-map_chapters") == "0"
    assert value(words, "-ss") == "1.000000"
    assert "+round(1.000000/TB)" in value(words, "-af")


def test_chapters_are_vorbis_comments_elsewhere():
    probe = Probe(Media(container="mp4"), (STREAM,), chapters=CHAPTERS)
    words = make(Output(format="flac", trim=Trim(start=3, duration=4)), probe)
    assert value(words, "-map_chapters") == "-1"
    assert values(words, "-metadata") == [
        "CHAPTER000=00:00:00.000",
        "CHAPTER000NAME=Two",
        "CHAPTER001=00:00:02.250",
        "CHAPTER001NAME=2",
    ]


def test_more_chapters_than_a_file_can_list_are_left_out():
    probe = Probe(Media(container="mp4"), (STREAM,), chapters=CHAPTERS * 100)
    assert value(make(Output(), probe), "-map_chapters") == "-1"
    assert len(values(make(Output(format="ogg"), probe), "-metadata")) == 500


def test_measuring_writes_no_file():
    recipe = decide(Output().resolve(), Probe(Media(container="mp4"), (STREAM,)))
    source = Input(Path("/media"), Demuxer.MOV, Probe(Media(container="mp4")))
    words = measuring_arguments(source, recipe, chain="ebur128", progress=Path("/p"))
    assert values(words, "-f") == ["mov", "null"]
    assert value(words, "-v") == "info"
    assert words[-1] == "-"


def test_who_reads_all_of_the_sound_wants_no_index_of_the_pictures():
    words = make(Output(format="mp3"))
    assert words.index("-indexmem") < words.index("-i")
