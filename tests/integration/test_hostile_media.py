"""Each bad file ends for its reason, within bounds, and makes nobody open a file or a connection.

The converter and its FFmpeg are the real ones, and strace watches them; what they merely try
counts too.
"""

import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import media
from tests.hostile.case import Case, World
from tests.hostile.corpus import CORPUS
from tests.hostile.look import read_look, strace
from tests.hostile.seeds import Seeds
from tests.hostile.solo import End, convert, usual_paths

from soundstrip_crds.job import ExitCode

SECONDS = 100
"""Many times what any of them takes."""

MOST_MEMORY = 150 * 1024**2
WORDS = 1 << 20
"""Bytes of what the converter leaves beside the audio."""


@pytest.fixture(scope="module")
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0)
        yield canary


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, server: socket.socket) -> World:
    directory = tmp_path_factory.mktemp("world")
    seeds = Seeds(directory)
    canary = directory / "canary"
    canary.write_bytes(seeds["mp4"])
    return World(seeds, canary, f"http://127.0.0.1:{server.getsockname()[1]}/canary.mp4")


@pytest.fixture(scope="module")
def usual(world: World, tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    return usual_paths(world.seeds, tmp_path_factory.mktemp("honest") / "pod")


def run(case: Case, world: World, directory: Path) -> End:
    source = directory / "file"
    source.write_bytes(case.make(world))
    return convert(
        source,
        directory / "pod",
        most_bytes=case.most_result_bytes,
        seconds=SECONDS,
        output=case.output,
    )


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_a_bad_file_ends_for_its_reason_and_reaches_nothing(
    case: Case, world: World, server: socket.socket, usual: frozenset[str], tmp_path: Path
):
    end = run(case, world, tmp_path)
    assert end.code in case.ends, end.pod.logs()
    assert end.peak_bytes < MOST_MEMORY
    assert end.strange_paths() <= usual
    assert not end.look.network
    with pytest.raises(BlockingIOError):
        server.accept()
    left = [path.lstat() for path in end.pod.places.output.iterdir()]
    assert all(stat.S_ISREG(file.st_mode) for file in left)
    assert sum(file.st_size for file in left) < case.most_result_bytes + WORDS
    assert (end.code is ExitCode.OK) is end.pod.places.report.exists()
    if case.sounds_like:
        media.assert_same_audio(world.seeds.path(case.sounds_like), end.result)


def test_the_look_sees_what_is_opened_and_who_is_called(world: World, tmp_path: Path):
    port = int(world.url.split(":")[2].split("/")[0])
    code = f"""
import socket
open({str(world.canary)!r}).close()
socket.socket().connect_ex(('127.0.0.1', {port + 1}))
"""
    log = tmp_path / "log"
    subprocess.run([*strace(log), "sh", "-c", f'{sys.executable} -c "{code}"'], check=True)
    look = read_look(log)
    assert str(world.canary) in look.paths
    assert look.network
