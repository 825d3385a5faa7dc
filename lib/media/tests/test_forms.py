"""What FFmpeg writes, read by us: every packet that its own demuxer finds lies in our ranges."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests import media
from tests.boxes import Content

from soundstrip_media.layout import ALL, HEAD_SECONDS, Layout, Wanted
from soundstrip_media.readers import read_layout
from soundstrip_media.reading import NotUnderstood

CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1
START=0
END=1
title=One
[CHAPTER]
TIMEBASE=1/1
START=1
END=2
title=Two
"""


def look(path: Path, wanted: Wanted = ALL) -> Layout:
    return read_layout(Content(path.read_bytes()), wanted=wanted)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.make_clip(tmp_path_factory.mktemp("media") / "clip.mp4", seconds=2)


@pytest.fixture(scope="module")
def make_talk(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a video of 40 s by options of its encoder, each once."""

    @cache
    def make(*options: str) -> Path:
        return media.make_slow(tmp_path_factory.mktemp("talk") / "clip.mp4", *options, seconds=40)

    return make


def assert_covered(layout: Layout, packets: list[range]) -> None:
    for packet in packets:
        inside = (each.start <= packet.start <= packet.stop <= each.stop for each in layout.ranges)
        assert any(inside), packet


@pytest.mark.parametrize(
    ("extension", "options"),
    [
        ("mp4", ()),
        ("mp4", ("-movflags", "faststart")),
        ("mp4", ("-movflags", "frag_keyframe+empty_moov")),
        ("mp4", ("-movflags", "frag_keyframe+default_base_moof+empty_moov")),
        ("mp4", ("-movflags", "frag_keyframe")),
        ("mp4", ("-movflags", "dash+frag_every_frame")),
        ("mp4", ("-movflags", "cmaf")),
        ("mp4", ("-c:a", "libmp3lame")),
        ("mp4", ("-c:a", "ac3")),
        ("mp4", ("-c:a", "alac", "-chunk_duration", "500000")),
        ("3gp", ()),
        ("m4a", ("-vn",)),
        ("mov", ()),
        ("mov", ("-timecode", "01:00:00:00")),
        ("mov", ("-c:a", "pcm_s16le")),
        ("mov", ("-c:a", "pcm_s24be")),
        ("mov", ("-c:a", "pcm_f32le")),
        ("mov", ("-c:a", "pcm_alaw")),
        ("mov", ("-c:a", "pcm_u8")),
        ("mov", ("-c:a", "adpcm_ima_qt")),
    ],
)
def test_all_audio_is_found(clip: Path, tmp_path: Path, extension: str, options: tuple[str, ...]):
    path = media.rewrite(clip, tmp_path / f"clip.{extension}", *options)
    layout, packets = look(path), media.list_packets(path)
    assert packets
    assert_covered(layout, packets)
    assert layout.audio_bytes == sum(len(packet) for packet in packets)


def test_the_length_is_told_where_the_index_has_it(clip: Path, tmp_path: Path):
    assert look(clip).seconds == pytest.approx(2, abs=0.1)
    fragments = ("-movflags", "frag_keyframe+empty_moov")
    assert look(media.rewrite(clip, tmp_path / "clip.mp4", *fragments)).seconds is None


@pytest.mark.parametrize("wanted", [Wanted(track=1), Wanted(language="deu".__eq__)])
def test_of_two_tracks_both_are_found_or_the_one_that_is_meant(
    clip: Path, tmp_path: Path, wanted: Wanted
):
    both = ("-i", str(clip), "-map", "0:v", "-map", "0:a", "-map", "1:a")
    named = (*both, "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu")
    loop = media.rewrite(clip, tmp_path / "clip.mp4", *named)
    path = media.repeat(loop, tmp_path / "long.mp4", times=5)
    one, other = media.list_packets(path, "a:0"), media.list_packets(path, "a:1")
    assert_covered(look(path), one + other)
    found = look(path, wanted)
    assert_covered(found, other)
    beginning = sum(map(len, one)) * HEAD_SECONDS / 10
    assert found.audio_bytes - sum(map(len, other)) == pytest.approx(beginning, rel=0.05)


KEY_EACH_TWO_SECONDS = ("-g", "50")
ONE_KEY = ("-g", "1000")


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        (KEY_EACH_TWO_SECONDS, ()),
        (ONE_KEY, ()),
        ((*KEY_EACH_TWO_SECONDS, "-bf", "2"), ()),
        (KEY_EACH_TWO_SECONDS, ("-movflags", "frag_keyframe+empty_moov")),
        (KEY_EACH_TWO_SECONDS, ("-movflags", "frag_keyframe+empty_moov+dash")),
        (KEY_EACH_TWO_SECONDS, ("-movflags", "frag_keyframe+empty_moov+skip_trailer")),
        (KEY_EACH_TWO_SECONDS, ("-vn",)),
    ],
)
def test_of_a_part_all_is_found_that_is_read_from_where_a_seek_leads_to(
    make_talk: Callable[..., Path],
    tmp_path: Path,
    encoder: tuple[str, ...],
    options: tuple[str, ...],
):
    path = media.rewrite(make_talk(*encoder), tmp_path / "clip.mp4", *options)
    layout = look(path, Wanted(track=0, seek=28, stop=31))
    assert_covered(layout, media.list_from(path, start=28, stop=31.5))
    if encoder != ONE_KEY and "frag_keyframe+empty_moov+skip_trailer" not in options:
        assert layout.audio_bytes <= 0.5 * look(path).audio_bytes


def test_chapters_are_found(clip: Path, tmp_path: Path):
    (tmp_path / "chapters").write_text(CHAPTERS)
    chapters = ("-i", str(tmp_path / "chapters"), "-map_metadata", "1", "-map_chapters", "1")
    path = media.rewrite(clip, tmp_path / "clip.mp4", *chapters)
    content = path.read_bytes()
    sample = content.index(b"\0\3Two", content.index(b"mdat"))
    assert sample < content.index(b"moov")
    assert_covered(look(path), [range(sample, sample + 5)])


@pytest.mark.parametrize("extension", ["mkv", "avi", "ts", "flv"])
def test_other_containers_are_read_whole(clip: Path, tmp_path: Path, extension: str):
    path = media.rewrite(clip, tmp_path / f"clip.{extension}")
    with pytest.raises(NotUnderstood):
        look(path)
