"""What the mover takes from the converter's files while it works: nothing that is not honest."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from soundstrip_crds.job import PROGRESS_BODY_LIMIT, ProgressPost
from soundstrip_crds.reasons import Reason
from soundstrip_worker.places import Places
from soundstrip_worker.posting import Observer

NOTHING = ProgressPost(reason=Reason.CONVERTING)

TRICKS: list[Callable[[Path], object]] = [
    lambda path: path.symlink_to("/proc/self/environ"),
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to("nowhere"),
    os.mkfifo,
    Path.mkdir,
    lambda path: (path.touch(), os.truncate(path, 1 << 40)),
    lambda path: path.write_bytes(b"\xff" * 100_000),
    lambda path: path.write_bytes(b"[" * 60_000),
    lambda path: path.write_bytes(b"1," * 1_000_000),
]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(source=tmp_path, output=tmp_path)


@pytest.fixture
def observer(places: Places) -> Observer:
    observer = Observer(places)
    observer.stage = Reason.CONVERTING
    return observer


@pytest.mark.parametrize("trick", TRICKS)
def test_what_is_no_honest_file_is_as_if_it_were_not_there(
    observer: Observer, places: Places, trick: Callable[[Path], object]
):
    trick(places.progress)
    trick(places.media_report)
    assert observer.look() == NOTHING


@pytest.mark.parametrize(
    "told",
    [
        {"out_time_us": "nan", "speed": "1x"},
        {"out_time_us": "-5", "speed": "1x"},
        {"out_time_us": "1e308", "speed": "1x"},
        {"out_time_us": "9" * 1000, "speed": "1x"},
        {"out_time_us": "\udcff"},
    ],
)
def test_a_position_that_cannot_be_is_none(
    observer: Observer, places: Places, told: dict[str, str]
):
    write_progress(places, told)
    assert observer.look() == NOTHING


@pytest.mark.parametrize("speed", ["nan", "inf", "-1", "1e308", "x" * 1000])
@pytest.mark.parametrize("duration", [0, 1e-300, 1e308])
def test_whatever_is_told_a_post_is_small_and_within_its_bounds(
    observer: Observer, places: Places, speed: str, duration: float
):
    media = {"container": "mp4", "durationSeconds": duration}
    places.media_report.write_bytes(msgspec.json.encode(media))
    write_progress(places, {"out_time_us": "5000000", "speed": f"{speed}x"})
    body = msgspec.json.encode(observer.look())
    assert len(body) < PROGRESS_BODY_LIMIT
    assert msgspec.json.decode(body, type=ProgressPost).progress


def write_progress(places: Places, told: dict[str, str]) -> None:
    lines = [f"{name}={value}\n" for name, value in told.items()]
    text = "".join([*lines, "progress=continue\n"])
    places.progress.write_bytes(text.encode("utf-8", "surrogateescape"))
