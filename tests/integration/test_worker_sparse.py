"""Mover and converter as two real processes: of a large source comes what is needed, or all."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests import media
from tests.waiting import wait_until
from tests.worker import Bench, Pod, download, left_behind, make_plan, said

from soundstrip_crds.job import ConverterReport, ExitCode
from soundstrip_storage.layout import CHUNK_SIZE, Bucket
from soundstrip_worker.lifeline import hold_lock
from soundstrip_worker.places import publish

FRAGMENTS = "frag_keyframe+empty_moov"


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


def share(pod: Pod) -> float:
    """Return how much of the source the mover brought at first."""
    line = said(pod, "source brought")
    assert line
    return float(line["fetchedBytes"] / line["bytes"])


def convert_whole(bench: Bench, source: Path) -> tuple[ExitCode, bytes]:
    """Give the converter the whole of a source, as the mover once did."""
    pod = bench.pod_for(make_plan(source))
    lock = hold_lock(pod.places.mover_lock)
    shutil.copy(source, pod.places.media)
    code = pod.end_of(pod.converter())
    os.close(lock)
    return code, pod.places.result.read_bytes() if code is ExitCode.OK else b""


def chunks_of(positions: list[range]) -> set[int]:
    return {
        n for each in positions for n in range(each.start // CHUNK_SIZE, each[-1] // CHUNK_SIZE + 1)
    }


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("end.mp4", ()),
        ("start.mp4", ("-movflags", "faststart")),
        ("fragments.mp4", ("-movflags", FRAGMENTS)),
        ("dash.mp4", ("-movflags", f"{FRAGMENTS}+default_base_moof+dash")),
        ("plain.mov", ("-c:a", "pcm_s16le")),
        ("timecode.mov", ("-c:a", "alac", "-timecode", "01:00:00:00")),
    ],
)
def test_the_parts_with_audio_give_the_same_result_as_all(
    bench: Bench, tmp_path: Path, name: str, options: tuple[str, ...]
):
    source = media.make_heavy(tmp_path / name, *options)
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    download(bench.database, pod.plan, tmp_path / "result.mp3")
    assert share(pod) < 0.5
    assert not said(pod, "source completed"), pod.logs()
    assert pod.places.media.stat().st_size == source.stat().st_size
    assert convert_whole(bench, source) == (ExitCode.OK, (tmp_path / "result.mp3").read_bytes())


def test_no_more_chunks_come_than_hold_audio_or_index(bench: Bench, tmp_path: Path):
    source = media.make_heavy(tmp_path / "clip.mp4", seconds=12)
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    content = source.read_bytes()
    index = content.rindex(b"moov") - 4
    audio = chunks_of(media.list_packets(source))
    needed = audio | chunks_of([range(48), range(index, len(content))])
    assert share(pod) * len(content) <= 1.15 * len(needed) * CHUNK_SIZE


@pytest.mark.parametrize("extension", ["mkv", "avi"])
def test_a_container_without_an_index_of_samples_comes_whole(
    bench: Bench, tmp_path: Path, extension: str
):
    source = media.make_heavy(tmp_path / f"clip.{extension}", "-c:a", "libmp3lame")
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    download(bench.database, pod.plan, tmp_path / "result.mp3")
    assert share(pod) == 1
    assert said(pod, "source needed whole")
    assert convert_whole(bench, source) == (ExitCode.OK, (tmp_path / "result.mp3").read_bytes())


def hide_audio(content: bytes) -> bytes:
    """Let the index have no audio track."""
    at = content.rindex(b"trak")
    return content[:at] + b"tral" + content[at + 4 :]


def point_at_video(content: bytes) -> bytes:
    """Let the audio track's samples lie in the middle of pictures."""
    at = content.rindex(b"stco") + 8
    count = int.from_bytes(content[at : at + 4], "big")
    places = (int.from_bytes(content[at + 4 * n :][:4], "big") for n in range(1, count + 1))
    moved = b"".join((place - 400_000).to_bytes(4, "big") for place in places if place > 400_000)
    return content[: at + 4] + moved + content[at + 4 + len(moved) :]


def point_behind_the_end(content: bytes) -> bytes:
    at = content.rindex(b"stco") + 12
    return content[:at] + b"\x7f\xff\xff\xff" + content[at + 4 :]


def hide_the_index(content: bytes) -> bytes:
    """Let FFmpeg find the true index in a `hoov`, and a reader that keeps to the rules another."""
    start = content.rindex(b"moov") - 4
    index = content[start:]
    false = point_at_video(index)
    return content[:start] + index.replace(b"moov", b"hoov", 1) + false


@pytest.mark.parametrize("lie", [hide_audio, point_at_video, point_behind_the_end, hide_the_index])
def test_an_index_that_lies_ends_as_if_all_had_been_there(
    bench: Bench, tmp_path: Path, lie: Callable[[bytes], bytes]
):
    source = media.make_heavy(tmp_path / "clip.mp4")
    source.write_bytes(lie(source.read_bytes()))
    pod = bench.pod(source)
    mover, converter = pod.run()
    code, result = convert_whole(bench, source)
    assert converter is code, pod.logs()
    if code is ExitCode.OK:
        assert mover is ExitCode.OK, pod.logs()
        download(bench.database, pod.plan, tmp_path / "result.mp3")
        assert (tmp_path / "result.mp3").read_bytes() == result


def test_what_ffmpeg_seeks_elsewhere_is_brought_too(bench: Bench, tmp_path: Path):
    source = media.make_heavy(tmp_path / "clip.mp4")
    source.write_bytes(hide_the_index(source.read_bytes()))
    pod = bench.pod(source)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    assert share(pod) < 0.7
    assert said(pod, "source completed"), pod.logs()
    assert pod.places.media.read_bytes() == source.read_bytes()


@pytest.fixture
def played(bench: Bench, tmp_path: Path) -> Iterator[Pod]:
    """A pod with a large source, whose converter is the test."""
    pod = bench.pod(media.make_heavy(tmp_path / "clip.mp4"))
    descriptor = hold_lock(pod.places.converter_lock)
    yield pod
    os.close(descriptor)


@pytest.mark.parametrize("ask", [Path.touch, Path.mkdir, os.mkfifo])
def test_a_converter_that_lies_about_what_it_wants_has_the_source_and_no_more(
    played: Pod, bench: Bench, tmp_path: Path, ask: Callable[[Path], None]
):
    ask(played.places.wanted)
    mover = played.mover()
    wait_until(played.places.whole.exists, "the rest is there")
    assert played.places.media.read_bytes() == (tmp_path / "clip.mp4").read_bytes()
    played.places.result.write_bytes(b"audio")
    claim = ConverterReport(duration_seconds=3.0)
    publish(played.places.report, msgspec.json.encode(claim))
    assert played.end_of(mover) is ExitCode.OK, played.logs()
    assert left_behind(bench.database)["results.files"] == 1


def test_a_change_of_the_rest_is_found_when_the_rest_is_wanted(played: Pod, bench: Bench):
    chunks = bench.database[Bucket.SOURCES.chunks]
    chunks.update_one({"n": 1}, {"$set": {"data": bytes(CHUNK_SIZE)}})
    mover = played.mover()
    wait_until(played.places.ranges.exists, "a part is there")
    played.places.wanted.touch()
    assert played.end_of(mover) is ExitCode.CORRUPT_MEDIA, played.logs()
    assert not played.places.whole.exists()


def test_a_chunk_of_the_rest_that_is_missing_is_found_when_it_is_wanted(played: Pod, bench: Bench):
    bench.database[Bucket.SOURCES.chunks].delete_one({"n": 1})
    mover = played.mover()
    wait_until(played.places.media.exists, "a part is there")
    played.places.wanted.touch()
    assert played.end_of(mover) is ExitCode.SOURCE_MISSING, played.logs()


def test_a_needed_chunk_that_is_missing_is_a_missing_source(bench: Bench, tmp_path: Path):
    pod = bench.pod(media.make_heavy(tmp_path / "clip.mp4"))
    bench.database[Bucket.SOURCES.chunks].delete_one({"n": 0})
    assert pod.run() == (ExitCode.SOURCE_MISSING, ExitCode.PEER_LOST), pod.logs()
