"""Mover and converter as two real processes: of a part comes what it takes, and it sounds the same.

FFmpeg's own packet list, by the host's FFmpeg, says what a part takes.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import media
from tests.sources import RATE, Samples, decode, make_pictures, make_talk
from tests.worker import Bench, Pod, download, make_plan, said

from soundstrip_crds.audio import Loudness, Output, TrackChoice, Trim
from soundstrip_crds.conversion import Media, Track
from soundstrip_crds.job import ExitCode
from soundstrip_storage.layout import CHUNK_SIZE
from soundstrip_worker.answers import AudioStream, Probe
from soundstrip_worker.filters import chain
from soundstrip_worker.lifeline import hold_lock
from soundstrip_worker.recipe import decide

SECONDS = 40
PART = Trim(start=26.123456, duration=3.5)

FORMS: dict[str, tuple[str, ...]] = {
    "aac.mp4": ("-c:a", "aac", "-b:a", "96k"),
    "mp3.mp4": ("-c:a", "libmp3lame"),
    "alac.mp4": ("-c:a", "alac"),
    "opus.mp4": ("-c:a", "libopus"),
    "pcm.mov": ("-c:a", "pcm_s16le"),
    "fragments.mp4": ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
    "aac.mkv": ("-c:a", "aac", "-b:a", "96k"),
    "opus.mkv": ("-c:a", "libopus"),
    "vorbis.mkv": ("-c:a", "libvorbis"),
    "flac.mkv": ("-c:a", "flac"),
    "pcm.mkv": ("-c:a", "pcm_s16le", "-reserve_index_space", "20000"),
}
STREAM = AudioStream(Track(index=0, codec="aac"))
NOTHING = Media(container="mp4")
LOSSLESS = {"alac.mp4", "pcm.mov", "flac.mkv", "pcm.mkv"}
ROUGH = {"opus.mkv", "vorbis.mkv"}
"""Where to the millisecond is all that Matroska says: packets are of several lengths."""


@dataclass(frozen=True)
class Made:
    """What mover and converter made of a source, and how much of it they took."""

    content: bytes
    path: Path
    pod: Pod

    @property
    def fetched(self) -> int:
        line = said(self.pod, "source brought")
        assert line
        return int(line["fetchedBytes"])

    @property
    def came_in_parts(self) -> bool:
        return not said(self.pod, "source needed whole") and not said(self.pod, "source completed")


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a maker of videos with two tracks, which makes each once."""
    directory = tmp_path_factory.mktemp("talks")
    pictures = make_pictures(directory / "pictures.mkv", seconds=SECONDS)

    def make(form: str) -> Path:
        path = directory / form
        return path if path.exists() else make_talk(path, pictures, *FORMS[form], seconds=SECONDS)

    return make


def convert(bench: Bench, source: Path, output: Output, **plan: Any) -> Made:
    pod = bench.pod(source, output=output, **plan)
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    path = source.parent / f"made-{pod.plan.source.file_id}"
    download(bench.database, pod.plan, path)
    return Made(path.read_bytes(), path, pod)


def convert_whole(
    bench: Bench, source: Path, output: Output, **plan: Any
) -> tuple[ExitCode, bytes]:
    """Give the converter the whole of a source."""
    pod = bench.pod_for(make_plan(source, output=output, **plan))
    lock = hold_lock(pod.places.mover_lock)
    shutil.copy(source, pod.places.media)
    code = pod.end_of(pod.converter())
    os.close(lock)
    return code, pod.places.result.read_bytes() if code is ExitCode.OK else b""


def cut(source: Path, trim: Trim) -> Samples:
    """Decode a source from its beginning, counting samples, and cut the part out behind that."""
    recipe = decide(Output(format="flac", trim=trim).resolve(), Probe(NOTHING, (STREAM,)))
    assert recipe.shape
    start, end = chain(recipe, recipe.shape).split(",atrim=")
    return decode(source, filters=f"{start},atrim={end.split(',')[0]}")


@pytest.mark.parametrize("form", FORMS)
def test_a_part_is_the_same_from_its_chunks_as_from_the_whole(
    bench: Bench, talk: Callable[[str], Path], form: str
):
    source = talk(form)
    output = Output(format="flac", trim=PART)
    made = convert(bench, source, output)
    assert made.came_in_parts, made.pod.logs()
    assert made.fetched < 0.75 * source.stat().st_size
    assert convert_whole(bench, source, output) == (ExitCode.OK, made.content)
    got, wanted = decode(made.path), cut(source, PART)
    if form in LOSSLESS:
        assert np.array_equal(got, wanted)
    assert abs(len(got) - len(wanted)) <= 1
    assert abs(shift(got, wanted)) <= (RATE / 2000 if form in ROUGH else 0)


def shift(one: Samples, other: Samples) -> int:
    """Return by how many samples one lies behind the other, where they are alike."""
    most = RATE // 200
    middle = other[most:-most, 0]
    shifts = range(-most, most + 1)
    likeness = [
        np.corrcoef(one[most + each :][: len(middle), 0], middle[: len(one) - most - each])[0, 1]
        for each in shifts
    ]
    assert max(likeness) >= 0.999
    return shifts[int(np.argmax(likeness))]


PARTS = {
    "copy": Output(format="original", trim=PART),
    "to the end": Output(format="mp3", trim=Trim(start=28), track=TrackChoice(language="eng")),
    "from the start": Output(
        format="m4a", trim=Trim(start=0, duration=2), track=TrackChoice(index=1)
    ),
    "near the start": Output(format="mp3", trim=Trim(start=8.5, duration=2)),
    "past the end": Output(format="m4a", trim=Trim(start=30, duration=500)),
    "loudness": Output(
        format="mp3", trim=Trim(start=30.5, duration=5), loudness=Loudness(target=-16)
    ),
}


@pytest.mark.parametrize(
    ("form", "part"),
    [
        *(("aac.mp4", part) for part in PARTS),
        *(("aac.mkv", part) for part in ("copy", "to the end", "near the start", "past the end")),
        *(("fragments.mp4", part) for part in ("copy", "near the start")),
    ],
)
def test_every_part_and_format_is_the_same_from_chunks_as_from_the_whole(
    bench: Bench, talk: Callable[[str], Path], form: str, part: str
):
    source, output = talk(form), PARTS[part]
    made = convert(bench, source, output)
    assert made.came_in_parts, made.pod.logs()
    assert convert_whole(bench, source, output) == (ExitCode.OK, made.content)


def test_a_long_part_is_encoded_by_all_cores_from_its_chunks(bench: Bench, tmp_path: Path):
    source = media.make_slow(tmp_path / "long.mp4", "-q:v", "2", "-b:a", "256k", seconds=200)
    output = Output(trim=Trim(start=100.5, duration=80))
    made = convert(bench, source, output, cores=2)
    assert said(made.pod, "joined"), made.pod.logs()
    assert made.came_in_parts, made.pod.logs()
    assert convert_whole(bench, source, output) == (ExitCode.OK, made.content)


def test_of_a_part_no_more_chunks_come_than_hold_its_audio_or_the_index(
    bench: Bench, talk: Callable[[str], Path]
):
    source = talk("aac.mp4")
    made = convert(bench, source, Output(trim=PART))
    content = source.read_bytes()
    index = content.rindex(b"moov") - 4
    # A seek leads to the key frame before: there is one each three seconds.
    audio = media.list_between(source, 0, 7) + media.list_between(source, 26 - 2 - 1 - 3, 26 + 5)
    needed = {
        n
        for each in (range(48), range(index, len(content)), *audio)
        for n in range(each.start // CHUNK_SIZE, each[-1] // CHUNK_SIZE + 1)
    }
    assert made.fetched <= 1.15 * len(needed) * CHUNK_SIZE


def test_of_a_part_of_matroska_its_clusters_come_and_the_beginning(
    bench: Bench, talk: Callable[[str], Path]
):
    source = talk("aac.mkv")
    made = convert(bench, source, Output(trim=PART))
    # A cluster is of five seconds at most.
    assert (
        made.fetched <= 1.15 * source.stat().st_size * ((7 + 5) + (3 + 5 + 3.5 + 2 + 5)) / SECONDS
    )


def test_of_a_track_that_is_not_wanted_the_beginning_comes(bench: Bench, tmp_path: Path):
    pictures = make_pictures(tmp_path / "pictures.mkv", seconds=SECONDS)
    spread = ("-c:a", "pcm_s16le", "-chunk_duration", "2000000", "-flush_packets", "0")
    source = make_talk(tmp_path / "talk.mov", pictures, *spread, seconds=SECONDS)
    one = convert(bench, source, Output(track=TrackChoice(language="eng")))
    assert one.came_in_parts
    of_other = sum(len(each) for each in media.list_packets(source, "a:0"))
    assert one.fetched < source.stat().st_size - 0.7 * of_other
    assert convert_whole(bench, source, Output(track=TrackChoice(index=1))) == (
        ExitCode.OK,
        one.content,
    )


def _patch_numbers(content: bytes, mark: bytes, change: Callable[[int], int]) -> bytes:
    """Change the numbers of four or so bytes that follow each mark in the index at the end."""
    start = content.rindex(b"\x1c\x53\xbb\x6b")
    data, at = bytearray(content), content.find(mark, start)
    while at >= 0:
        width = data[at + len(mark)] & 0x7F
        field = slice(at + len(mark) + 1, at + len(mark) + 1 + width)
        value = change(int.from_bytes(data[field], "big")) % (1 << 8 * width)
        data[field] = value.to_bytes(width, "big")
        at = content.find(mark, field.stop)
    return bytes(data)


def lead_beside_clusters(content: bytes) -> bytes:
    return _patch_numbers(content, b"\xf1", lambda place: place + 7)


def lead_past_the_end(content: bytes) -> bytes:
    return _patch_numbers(content, b"\xf1", lambda place: place * 3)


def lead_to_other_clusters(content: bytes) -> bytes:
    """Let the index say that all is later than it is."""
    return _patch_numbers(content, b"\xb3", lambda time: time * 3 // 2)


def be_of_another_cluster(content: bytes) -> bytes:
    """Let a cluster of the part be no cluster."""
    places = [at for at in range(len(content)) if content.startswith(b"\x1f\x43\xb6\x75", at)]
    at = places[len(places) * 2 // 3]
    return content[:at] + b"\x1f\x43\xb6\x76" + content[at + 4 :]


@pytest.mark.parametrize(
    "lie",
    [
        lead_beside_clusters,
        lead_past_the_end,
        lead_to_other_clusters,
        be_of_another_cluster,
    ],
)
def test_an_index_that_lies_about_a_part_ends_as_if_all_had_been_there(
    bench: Bench, talk: Callable[[str], Path], tmp_path: Path, lie: Callable[[bytes], bytes]
):
    source = tmp_path / "lie.mkv"
    source.write_bytes(lie(talk("aac.mkv").read_bytes()))
    output = Output(format="flac", trim=PART)
    code, content = convert_whole(bench, source, output)
    pod = bench.pod(source, output=output)
    mover, converter = pod.run()
    assert converter is code, pod.logs()
    if code is ExitCode.OK:
        assert mover is ExitCode.OK, pod.logs()
        download(bench.database, pod.plan, tmp_path / "result")
        assert (tmp_path / "result").read_bytes() == content


def test_what_was_marked_to_be_skipped_is_as_it_was_when_all_is_wanted(
    bench: Bench, talk: Callable[[str], Path]
):
    source = talk("aac.mkv")
    pod = bench.pod(source, output=Output(trim=Trim(start=5000, duration=1)))
    _, converter = pod.run()
    assert converter is ExitCode.NO_AUDIO_TRACK, pod.logs()
    assert said(pod, "source completed"), pod.logs()
    assert pod.places.media.read_bytes() == source.read_bytes()
