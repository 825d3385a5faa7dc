"""Both containers, from the store and back to it, with what strangers upload.

`test_hostile_media.py` has many more bad files, without a mover.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests import media
from tests.hostile.case import World
from tests.hostile.corpus import CORPUS
from tests.hostile.look import read_look, strace
from tests.hostile.seeds import Seeds
from tests.hostile.words import FILE_NAMES
from tests.worker import Bench, download, left_behind, make_plan, upload

from soundstrip_crds.job import ExitCode

BY_NAME = {case.name: case for case in CORPUS}
KERNELS = {
    "this kernel": (),
    "one without landlock": ("strace", "-f", "-qq", "-o", "/dev/null",
                             "-e", "inject=landlock_create_ruleset:error=ENOSYS"),
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Seeds(tmp_path), tmp_path / "canary", "http://127.0.0.1:9/canary")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("ffconcat", ExitCode.UNSUPPORTED_MEDIA),
        ("mov by alias", ExitCode.CORRUPT_MEDIA),
        ("wav with a billion samples", ExitCode.CORRUPT_MEDIA),
        ("an index that inflates a thousandfold", ExitCode.OK),
        ("mp3 that tells terminal codes", ExitCode.OK),
    ],
)
def test_a_bad_file_leaves_a_result_or_nothing(
    bench: Bench, world: World, tmp_path: Path, name: str, code: ExitCode
):
    source = tmp_path / "file"
    source.write_bytes(BY_NAME[name].make(world))
    pod = bench.pod(source)
    expected = (ExitCode.OK if code is ExitCode.OK else ExitCode.PEER_LOST, code)
    assert pod.run() == expected, pod.logs()
    assert any(left_behind(bench.database).values()) is (code is ExitCode.OK)
    assert "\x1b" not in pod.logs()


@pytest.mark.parametrize("name", FILE_NAMES, ids=ascii)
def test_the_name_of_an_upload_is_a_word_and_no_path(
    bench: Bench, world: World, tmp_path: Path, name: str
):
    source = world.seeds.path("mp3")
    plan = make_plan(source, file_id=upload(bench.database, source))
    pod = bench.pod_for(replace(plan, source=replace(plan.source, filename=name)))
    assert pod.run() == (ExitCode.OK, ExitCode.OK), pod.logs()
    stored = download(bench.database, pod.plan, tmp_path / "result")
    assert len(stored.filename) <= 255
    assert stored.filename.endswith(".mp3")
    assert {path.parent for path in tmp_path.rglob("*.mp3")} <= {tmp_path}


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_converter_works_confined_or_says_once_that_it_is_not(
    bench: Bench, world: World, tmp_path: Path, kernel: str
):
    pod = bench.pod(world.seeds.path("mp4"))
    mover, converter = pod.mover(), pod.converter(*KERNELS[kernel])
    assert (pod.end_of(mover), pod.end_of(converter)) == (ExitCode.OK, ExitCode.OK), pod.logs()
    said = [line for line in pod.logs().splitlines() if "confined" in line]
    assert len(said) == 1
    download(bench.database, pod.plan, tmp_path / "result.mp3")
    media.assert_same_audio(world.seeds.path("mp4"), tmp_path / "result.mp3")


def test_the_mover_starts_no_program_and_opens_nothing_that_the_converter_left_but_the_result(
    bench: Bench, world: World, tmp_path: Path
):
    pod = bench.pod(world.seeds.path("mp4"))
    mover, converter = pod.mover(*strace(tmp_path / "log")), pod.converter()
    assert (pod.end_of(mover), pod.end_of(converter)) == (ExitCode.OK, ExitCode.OK), pod.logs()
    look = read_look(tmp_path / "log")
    left = {path for path in look.paths if path.startswith(str(pod.places.output))}
    places = pod.places
    assert left <= {str(places.converter_lock), str(places.report), str(places.result)}
    assert not any("ff" in Path(path).name for path in look.paths if path.startswith("/usr/bin"))
