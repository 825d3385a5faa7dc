"""Damaged indexes, read by us and by FFmpeg: what it finds among holes it finds in the whole file.

Both see the same damage. If we don't understand it, or FFmpeg looks elsewhere than we do, all of
the file comes; else nothing that FFmpeg makes of the file may depend on what did not come.
"""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import media
from tests.boxes import Content
from tests.ffmpeg import shipped

from soundstrip_crds.audio import Output, Trim
from soundstrip_media import ebml
from soundstrip_media.boxes import walk
from soundstrip_media.layout import Wanted
from soundstrip_media.ranges import Range, subtract
from soundstrip_media.readers import read_layout
from soundstrip_media.reading import Budget, NotUnderstood
from soundstrip_worker.answers import parse_probe
from soundstrip_worker.children import Drain, Finished, Room
from soundstrip_worker.coverage import Coverage
from soundstrip_worker.demuxers import HEAD_SIZE, Demuxer, recognise
from soundstrip_worker.encoding import Input
from soundstrip_worker.failures import Rejected
from soundstrip_worker.judgement import Ending
from soundstrip_worker.parts import Part
from soundstrip_worker.probing import ffprobe_arguments, positions_arguments
from soundstrip_worker.recipe import Recipe, decide
from soundstrip_worker.seeking import Seek, wanted_of

GRAIN = 256
"""Bytes of a chunk: so small that a little file has holes between its packets."""

FORMS = {
    "start": ("-movflags", "faststart"),
    "end": (),
    "fragments": ("-movflags", "frag_keyframe+empty_moov"),
    "dash": ("-movflags", "frag_keyframe+empty_moov+default_base_moof+dash"),
}
CLUSTER = 0x1F43B675
LATE_START = 14.5
LATE = Output(trim=Trim(start=LATE_START, duration=2))
LATE_WANTED = wanted_of(LATE.resolve())
NUMBERS = (0, 1, 7, 8, 16, 0x7FFFFFFF, 0xFFFFFFFF)
MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["byte", "number", "more", "repeat"]),
        st.integers(0, 1 << 20),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("clips")
    clip = media.make_clip(directory / "clip.mp4", seconds=2)
    return {
        name: media.rewrite(clip, directory / f"{name}.mp4", *options).read_bytes()
        for name, options in FORMS.items()
    }


def find_index(content: bytes) -> list[int]:
    """Return the positions of all bytes that are no media data."""
    boxes = walk(Content(content), 0, len(content), Budget(1000, "boxes"), top=True)
    spans = (range(b.start, b.body if b.kind == b"mdat" else b.stop) for b in boxes)
    return [at for span in spans for at in span]


def find_elements(content: bytes) -> list[int]:
    """Return the positions of all bytes of Matroska that are in no cluster, or begin one."""
    file, budget = Content(content), Budget(1000, "elements")
    segment = ebml.read_element(
        file, ebml.read_element(file, 0, file.size, budget).stop, file.size, budget
    )
    tops = ebml.walk(file, segment.body, segment.stop, budget)
    spans = (range(e.start, e.body + 12 if e.id == CLUSTER else e.stop) for e in tops)
    return [at for span in spans for at in span]


def mutate(
    content: bytes, mutations: list[tuple[str, int, int]], index: list[int] | None = None
) -> bytes:
    index, data = index or find_index(content), bytearray(content)
    for kind, where, value in mutations:
        at = index[where % len(index)]
        number = int.from_bytes(data[at : at + 4], "big")
        match kind:
            case "byte":
                data[at] = value
            case "number":
                data[at : at + 4] = NUMBERS[value % len(NUMBERS)].to_bytes(4, "big")
            case "more":
                data[at : at + 4] = ((number + 8 * value - 1000) % (1 << 32)).to_bytes(4, "big")
            case _:
                data[at:at] = data[at : at + value % 64]
    return bytes(data)


def punch(content: bytes, ranges: tuple[Range, ...]) -> bytes:
    """Leave holes where the ranges are not."""
    holes = bytearray(len(content))
    for each in ranges:
        holes[each.start : each.stop] = content[each.start : each.stop]
    return bytes(holes)


def list_packets(path: Path) -> tuple[int, bytes]:
    done = run(positions_arguments(path, Demuxer.MOV, track=0))
    return done.returncode, done.stdout


def covers(ranges: tuple[Range, ...], packets: bytes) -> bool:
    coverage = Coverage(ranges, stream=1)
    coverage.take(packets)
    return coverage.holds()


def extract_audio(path: Path) -> bytes:
    """Return the packets of the first audio track, as FFmpeg takes them out of the file."""
    output = ["-map", "0:a:0", "-c", "copy", "-f", "data", "-"]
    inputs = ["-f", "mov", "-vn", "-i", str(path)]
    return run(["ffmpeg", "-nostdin", "-v", "quiet", *inputs, *output]).stdout


def run(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    program = shipped() / command[0]
    return subprocess.run([program, *command[1:]], check=False, capture_output=True, timeout=100)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(form=st.sampled_from(sorted(FORMS)), mutations=MUTATIONS)
def test_what_is_not_there_does_not_matter(
    clips: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    mutations: list[tuple[str, int, int]],
):
    content = mutate(clips[form], mutations)
    try:
        ranges = read_layout(Content(content), grain=GRAIN).ranges
    except NotUnderstood:
        return
    directory = tmp_path_factory.mktemp("pair")
    parts, whole = directory / "parts", directory / "whole"
    parts.write_bytes(punch(content, ranges))
    code, packets = list_packets(parts)
    if code or not covers(ranges, packets):
        return
    whole.write_bytes(content)
    assert list_packets(whole) == (code, packets)
    assert extract_audio(whole) == extract_audio(parts)


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("talks")
    talk = media.make_slow(directory / "talk.mp4", "-g", "50", seconds=20)
    forms = {
        "talk.mp4": (),
        "fragments.mp4": FORMS["fragments"],
        "talk.mkv": ("-cluster_time_limit", "1000"),
        "cues.mkv": ("-cluster_time_limit", "1000", "-reserve_index_space", "5000"),
    }
    return {
        name: media.rewrite(talk, directory / f"made-{name}", *options).read_bytes()
        for name, options in forms.items()
    }


def describe(path: Path) -> tuple[Input, Recipe] | None:
    """Return what is made of a part of a file, if it can be made."""
    container = recognise(path.read_bytes()[:HEAD_SIZE])
    if not container:
        return None
    answer = run(ffprobe_arguments(path, container.demuxer))
    probe = parse_probe(answer.stdout, container)
    if answer.returncode or probe is None:
        return None
    try:
        return Input(path, container.demuxer, probe), decide(LATE.resolve(), probe)
    except Rejected:
        return None


def look(arguments: list[str], room: Room | Drain) -> Finished:
    done = run(arguments)
    if isinstance(room, Drain):
        room.take(done.stdout)
    return Finished(Ending(done.returncode, ""), done.stdout)


def extract_part(path: Path, source: Input, seek: Seek | None) -> bytes:
    """Return the packets of a part, as FFmpeg takes them out of the file."""
    second = seek.second if seek else 0
    sought = ["-ss", f"{second}", "-noaccurate_seek"] if seek else []
    part = ["-ss", f"{LATE_START - second}", "-t", "2", "-map", "0:a:0", "-c", "copy", "-f", "data"]
    inputs = ["-f", source.demuxer.value, "-vn", *sought, "-i", str(path)]
    return run(["ffmpeg", "-nostdin", "-v", "quiet", *inputs, *part, "-"]).stdout


def test_a_part_is_found_in_what_is_there_of_it(talks: dict[str, bytes], tmp_path: Path):
    for name, content in talks.items():
        assert compare_part(content, tmp_path, LATE_WANTED), name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    form=st.sampled_from(["talk.mp4", "fragments.mp4", "talk.mkv", "cues.mkv"]), mutations=MUTATIONS
)
def test_what_is_not_there_of_a_part_does_not_matter(
    talks: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    form: str,
    mutations: list[tuple[str, int, int]],
):
    index = find_elements(talks[form]) if form.endswith("mkv") else None
    content = mutate(talks[form], mutations, index)
    compare_part(content, tmp_path_factory.mktemp("part"), LATE_WANTED)


def compare_part(content: bytes, directory: Path, wanted: Wanted) -> bool:
    """Fail if a part comes out otherwise than from the whole; tell whether it came out at all."""
    try:
        layout = read_layout(Content(content), grain=GRAIN, wanted=wanted)
    except NotUnderstood:
        return False
    parts, whole = directory / "parts", directory / "whole"
    copy = bytearray(punch(content, layout.ranges))
    for skip in layout.skips:
        copy[skip.range.start : skip.range.start + len(skip.mark)] = skip.mark
    parts.write_bytes(copy)
    whole.write_bytes(content)
    known = describe(parts)
    if known is None:
        return False
    ranges = subtract(layout.ranges, [skip.range for skip in layout.skips])
    part = Part(look, *known)
    seek = part.find()
    if not part.is_inside(ranges):
        return False
    other = describe(whole)
    assert other
    assert Part(look, *other).find() == seek
    assert extract_part(whole, other[0], seek) == extract_part(parts, known[0], seek)
    return seek is not None


@pytest.mark.parametrize("form", sorted(FORMS))
def test_an_undamaged_index_is_agreed_upon(clips: dict[str, bytes], tmp_path: Path, form: str):
    ranges = read_layout(Content(clips[form]), grain=GRAIN).ranges
    assert sum(each.length for each in ranges) < len(clips[form])
    (tmp_path / "parts").write_bytes(punch(clips[form], ranges))
    code, packets = list_packets(tmp_path / "parts")
    assert code == 0
    assert covers(ranges, packets)
