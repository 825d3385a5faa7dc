"""A converter that was taken over: whatever it leaves, the mover stores nothing that it should not.

The test plays the converter: it holds the converter's lock, and writes what it likes.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import msgspec
import pytest
from tests import media
from tests.peak import measured
from tests.waiting import wait_until
from tests.worker import Bench, Pod, download, left_behind

from soundstrip_crds.conversion import Media
from soundstrip_crds.job import TERMINATION_MESSAGE_LIMIT, ConverterReport, ExitCode
from soundstrip_worker.lifeline import hold_lock
from soundstrip_worker.places import publish

SECRET = b"a secret of the mover"
MOVER_MEMORY = 100 * 1024**2
"""Python, pymongo and a few chunks: far below the file that it is offered."""


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


@pytest.fixture
def pod(bench: Bench, tmp_path: Path) -> Iterator[Pod]:
    """A pod whose converter is the test."""
    (tmp_path / "secret").write_bytes(SECRET)
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4"), max_result_bytes=100_000)
    descriptor = hold_lock(pod.places.converter_lock)
    yield pod
    os.close(descriptor)


def report(pod: Pod, content: bytes | None = None) -> None:
    honest = msgspec.json.encode(ConverterReport(duration_seconds=3.0))
    publish(pod.places.report, honest if content is None else content)


def claim_tracks(*tracks: dict[str, int]) -> bytes:
    told = [{"codec": "mp3"} | track for track in tracks]
    return json.dumps(
        {"durationSeconds": 3, "media": {"container": "mp4", "tracks": told}}
    ).encode()


def link_to_secret(path: Path) -> None:
    path.symlink_to(path.parents[2] / "secret")


def link_to_environment(path: Path) -> None:
    path.symlink_to("/proc/self/environ")


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_directory(path: Path) -> None:
    path.mkdir()


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def write_too_much(path: Path) -> None:
    path.write_bytes(b"x" * 100_001)


def write_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


TRICKS: list[tuple[Callable[[Path], None], ExitCode]] = [
    (link_to_secret, ExitCode.CORRUPT_MEDIA),
    (link_to_environment, ExitCode.CORRUPT_MEDIA),
    (make_device, ExitCode.CORRUPT_MEDIA),
    (os.mkfifo, ExitCode.CORRUPT_MEDIA),
    (make_directory, ExitCode.CORRUPT_MEDIA),
    (make_dangling, ExitCode.CORRUPT_MEDIA),
    (write_too_much, ExitCode.LIMIT_EXCEEDED),
    (write_sparse, ExitCode.LIMIT_EXCEEDED),
]


def swap(path: Path, honest: bytes, turn: int) -> None:
    """Put another thing in the result's place, at once."""
    draft = path.with_name("draft")
    tricks = (link_to_secret, os.mkfifo, lambda path: path.write_bytes(honest), write_sparse)
    tricks[turn % len(tricks)](draft)
    draft.rename(path)


@contextmanager
def restlessly(act: Callable[[int], None]) -> Iterator[None]:
    """Act again and again, as fast as it goes, until the block ends."""
    ended = threading.Event()

    def go_on() -> None:
        for turn in count():
            if ended.is_set():
                return
            act(turn)

    act(0)
    restless = threading.Thread(target=go_on)
    restless.start()
    try:
        yield
    finally:
        ended.set()
        restless.join()


@pytest.mark.parametrize(("trick", "code"), TRICKS)
def test_a_result_that_is_no_honest_file_is_not_stored(
    bench: Bench, pod: Pod, trick: Callable[[Path], None], code: ExitCode
):
    trick(pod.places.result)
    report(pod)
    assert pod.end_of(pod.mover()) is code, pod.logs()
    assert not any(left_behind(bench.database).values())


def write_nothing(path: Path) -> None:
    path.write_bytes(b"")


def test_a_result_without_a_byte_is_none(bench: Bench, pod: Pod):
    write_nothing(pod.places.result)
    report(pod)
    assert pod.end_of(pod.mover()) is ExitCode.CORRUPT_MEDIA, pod.logs()
    assert not any(left_behind(bench.database).values())


@pytest.mark.parametrize(("trick", "code"), TRICKS)
def test_a_report_that_is_no_honest_file_is_refused(
    bench: Bench, pod: Pod, trick: Callable[[Path], None], code: ExitCode
):
    pod.places.result.write_bytes(b"audio")
    trick(pod.places.report)
    assert pod.end_of(pod.mover()) is code, pod.logs()
    assert SECRET.decode() not in pod.logs() + str(pod.mover_report())
    assert not any(left_behind(bench.database).values())


LIES = {
    "nothing": b"",
    "no utf-8": b"\xff\xfe",
    "no utf-8 within": b'{"durationSeconds": 3, "message": "\xff"}',
    "no number": b'{"durationSeconds": NaN}',
    "more than there is time": b'{"durationSeconds": 1e308}',
    "less than nothing": b'{"durationSeconds": -3}',
    "no json": b'{"durationSeconds": 3',
    "depth": b'{"durationSeconds": 3, "x": ' + b"[" * 30_000,
    "two tracks in one": claim_tracks({"index": 0}, {"index": 0}),
    "a track beyond all": claim_tracks({"index": 10**1000}),
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES)
def test_a_report_outside_its_bounds_is_refused(bench: Bench, pod: Pod, content: bytes):
    pod.places.result.write_bytes(b"audio")
    report(pod, content)
    assert pod.end_of(pod.mover()) is ExitCode.CORRUPT_MEDIA, pod.logs()
    assert not any(left_behind(bench.database).values())


def test_a_report_of_a_million_entries_is_too_large(bench: Bench, pod: Pod):
    pod.places.result.write_bytes(b"audio")
    report(pod, b'{"durationSeconds": 3, "x": [' + b"0," * 1_000_000 + b"0]}")
    assert pod.end_of(pod.mover()) is ExitCode.LIMIT_EXCEEDED, pod.logs()
    assert not any(left_behind(bench.database).values())


def test_a_report_without_a_result_is_refused(bench: Bench, pod: Pod):
    report(pod)
    assert pod.end_of(pod.mover()) is ExitCode.CORRUPT_MEDIA, pod.logs()
    assert not any(left_behind(bench.database).values())


def test_a_termination_message_has_room_for_whatever_the_converter_claims(pod: Pod):
    tracks = [{"index": n, "codec": "\N{SNOWMAN}" * 63, "language": '"' * 63} for n in range(32)]
    claim = {"durationSeconds": 3, "media": {"container": "x", "tracks": tracks}}
    pod.places.result.write_bytes(b"audio")
    report(pod, msgspec.json.encode(claim))
    assert pod.end_of(pod.mover()) is ExitCode.OK, pod.logs()
    assert pod.mover_report().result
    told = pod.places.source.with_name("mover.end").stat().st_size
    assert told <= TERMINATION_MESSAGE_LIMIT


def test_a_lock_that_is_never_freed_buys_time_until_the_deadline_and_nothing_else(
    bench: Bench, pod: Pod
):
    """At the Job's deadline the kubelet sends SIGTERM."""
    mover = pod.mover()
    pod.places.result.write_bytes(b"audio")
    wait_until(pod.places.media.exists, "the source is there")
    mover.terminate()
    assert pod.end_of(mover) is ExitCode.WORKER_LOST, pod.logs()
    assert not any(left_behind(bench.database).values())


def test_a_lock_that_is_never_freed_does_not_keep_the_mover_from_its_end(pod: Pod):
    pod.places.result.write_bytes(b"audio")
    report(pod)
    assert pod.end_of(pod.mover()) is ExitCode.OK, pod.logs()


def test_files_that_are_swapped_while_they_are_read_give_an_honest_result_or_none(
    bench: Bench, pod: Pod, tmp_path: Path
):
    honest = os.urandom(90_000)
    with restlessly(lambda turn: swap(pod.places.result, honest, turn)):
        report(pod)
        code = pod.end_of(pod.mover())
    assert code in {ExitCode.OK, ExitCode.CORRUPT_MEDIA, ExitCode.LIMIT_EXCEEDED}, pod.logs()
    if code is ExitCode.OK:
        download(bench.database, pod.plan, tmp_path / "result.mp3")
        assert (tmp_path / "result.mp3").read_bytes() == honest
    else:
        assert not any(left_behind(bench.database).values())


def test_a_result_that_grows_without_end_is_given_up_in_little_memory(bench: Bench, tmp_path: Path):
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4"), max_result_bytes=60_000_000)
    lock = hold_lock(pod.places.converter_lock)
    pod.places.result.write_bytes(b"x")
    with restlessly(lambda turn: os.truncate(pod.places.result, 40_000_000 + turn * 1_000_000)):
        report(pod)
        code = pod.end_of(pod.mover(*measured(tmp_path / "peak")))
    os.close(lock)
    assert code is ExitCode.LIMIT_EXCEEDED, pod.logs()
    assert int((tmp_path / "peak").read_text()) < MOVER_MEMORY
    assert not any(left_behind(bench.database).values())


@pytest.mark.parametrize("trick", [link_to_environment, os.mkfifo])
def test_progress_that_is_no_honest_file_does_not_disturb_the_mover(
    bench: Bench, pod: Pod, tmp_path: Path, trick: Callable[[Path], None]
):
    trick(pod.places.progress)
    trick(pod.places.media_report)
    pod.variables |= {"PROGRESS_URL": "http://127.0.0.1:9/p", "PROGRESS_TOKEN": "t"}
    mover = pod.mover()
    wait_until(pod.places.media.exists, "the source is there")
    wait_until(lambda: "progress is not taken" in pod.logs(), "it has tried to post")
    pod.places.result.write_bytes(b"audio")
    report(pod)
    assert pod.end_of(mover) is ExitCode.OK, pod.logs()
    download(bench.database, pod.plan, tmp_path / "result.mp3")


@pytest.mark.parametrize("seconds", [None, 1e-300])
def test_a_report_of_no_audio_stores_nothing(bench: Bench, pod: Pod, seconds: float | None):
    pod.places.result.write_bytes(b"audio")
    claim = ConverterReport(duration_seconds=seconds, media=Media(container="mp4"))
    report(pod, msgspec.json.encode(claim))
    assert pod.end_of(pod.mover()) is ExitCode.PEER_LOST, pod.logs()
    assert not any(left_behind(bench.database).values())
