"""What FFmpeg writes, read by us: every packet that its own demuxer finds lies in our ranges."""

from pathlib import Path

import pytest
from tests import media
from tests.boxes import Content

from soundstrip_media.layout import Layout
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


def look(path: Path, track: int | None = None) -> Layout:
    return read_layout(Content(path.read_bytes()), track=track)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return media.make_clip(tmp_path_factory.mktemp("media") / "clip.mp4", seconds=2)


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


def test_of_two_tracks_both_are_found_or_the_one_that_is_named(clip: Path, tmp_path: Path):
    both = ("-i", str(clip), "-map", "0:v", "-map", "0:a", "-map", "1:a")
    path = media.rewrite(clip, tmp_path / "clip.mp4", *both)
    one, other = media.list_packets(path, "a:0"), media.list_packets(path, "a:1")
    assert_covered(look(path), one + other)
    named = look(path, track=1)
    assert_covered(named, other)
    assert named.audio_bytes == sum(len(packet) for packet in other)


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
