"""Mover and converter as two real processes: whatever dies, the other ends soon and says so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bson import ObjectId
from tests import media
from tests.containers import Server
from tests.waiting import wait_until
from tests.worker import OWNER, Bench, Pod, download, left_behind, make_plan, upload

from soundstrip_crds.job import ExitCode
from soundstrip_storage.gridfs import FileWriter
from soundstrip_storage.layout import Bucket

SOON = 60.0
"""Seconds within which a container ends after the other's death: long before FFmpeg would."""


@pytest.fixture
def bench(tmp_path: Path, mongo_uri: str, mongo_database: str) -> Iterator[Bench]:
    with Bench(tmp_path, mongo_uri, mongo_database) as bench:
        yield bench


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return media.make_clip(tmp_path / "clip.mp4")


@pytest.fixture
def busy(bench: Bench, tmp_path: Path) -> Pod:
    """A pod that would be busy for twice as long as SOON."""
    clip = media.make_clip(tmp_path / "clip.mp4", seconds=30)
    pod = bench.pod(media.repeat(clip, tmp_path / "long.mp4", times=4))
    pod.slow_down()
    return pod


def await_ffmpeg(pod: Pod) -> int:
    """Return FFmpeg's process id once it has made some progress."""
    wait_until(pod.places.progress.exists, f"FFmpeg is at work\n{pod.logs()}")
    wait_until(pod.children, "FFmpeg is seen")
    return pod.children()[0]


def test_a_killed_converter_ends_the_mover(busy: Pod, bench: Bench):
    mover, converter = busy.mover(), busy.converter()
    ffmpeg = await_ffmpeg(busy)
    converter.kill()
    assert busy.end_of(mover, SOON) is ExitCode.PEER_LOST
    assert busy.mover_report().message == "The converter ended early."
    assert not any(left_behind(bench.database).values())
    os.kill(ffmpeg, signal.SIGKILL)


def test_a_killed_mover_ends_the_converter_and_its_ffmpeg(busy: Pod):
    mover, converter = busy.mover(), busy.converter()
    await_ffmpeg(busy)
    mover.kill()
    assert busy.end_of(converter, SOON) is ExitCode.PEER_LOST
    wait_until(lambda: not busy.children(), "FFmpeg is dead", seconds=SOON)


@pytest.mark.parametrize("role", ["mover", "converter"])
def test_sigterm_ends_both_at_once(busy: Pod, role: str):
    processes = {"mover": busy.mover(), "converter": busy.converter()}
    await_ffmpeg(busy)
    processes[role].terminate()
    assert busy.end_of(processes.pop(role), SOON) is ExitCode.WORKER_LOST
    (other,) = processes.values()
    assert busy.end_of(other, SOON) is ExitCode.PEER_LOST
    wait_until(lambda: not busy.children(), "FFmpeg is dead", seconds=SOON)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes PID namespaces everywhere")
def test_as_pid_1_each_hears_sigterm_and_takes_ffmpeg_with_it_when_killed(busy: Pod):
    namespace = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    mover, converter = busy.mover(*namespace), busy.converter(*namespace)
    await_ffmpeg(busy)
    os.kill(_child_of(converter.pid), signal.SIGKILL)
    wait_until(lambda: converter.poll() is not None, "the converter is dead", seconds=SOON)
    wait_until(lambda: mover.poll() == ExitCode.PEER_LOST, busy.logs(), seconds=SOON)
    wait_until(lambda: not busy.children(), "FFmpeg is dead", seconds=SOON)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes PID namespaces everywhere")
def test_as_pid_1_a_mover_ends_on_sigterm(bench: Bench, clip: Path):
    pod = bench.pod(clip)
    mover = pod.mover("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    wait_until(pod.places.media.exists, "the source is there")
    os.kill(_child_of(mover.pid), signal.SIGTERM)
    assert pod.end_of(mover, SOON) is ExitCode.WORKER_LOST


def test_an_ffmpeg_that_the_kernel_kills_is_a_lost_worker(busy: Pod):
    mover, converter = busy.mover(), busy.converter()
    os.kill(await_ffmpeg(busy), signal.SIGKILL)
    assert busy.end_of(converter, SOON) is ExitCode.WORKER_LOST
    assert "memory" in (busy.converter_report().message or "")
    assert busy.end_of(mover, SOON) is ExitCode.PEER_LOST


@pytest.mark.parametrize("role", ["mover", "converter"])
def test_one_that_stays_alone_does_not_wait_for_ever(bench: Bench, clip: Path, role: str):
    pod = bench.pod(clip)
    pod.variables["PEER_SECONDS"] = "1"
    alone = pod.mover() if role == "mover" else pod.converter()
    assert pod.end_of(alone) is ExitCode.PEER_LOST


def test_a_source_that_nobody_uploaded_is_missing(bench: Bench, clip: Path):
    pod = bench.pod_for(make_plan(clip))
    assert pod.run() == (ExitCode.SOURCE_MISSING, ExitCode.PEER_LOST), pod.logs()


def test_anothers_source_is_missing(bench: Bench, clip: Path):
    file_id = upload(bench.database, clip, owner="somebody-else")
    pod = bench.pod_for(make_plan(clip, file_id=file_id))
    assert pod.run() == (ExitCode.SOURCE_MISSING, ExitCode.PEER_LOST), pod.logs()


def test_a_source_without_one_of_its_chunks_is_missing(bench: Bench, clip: Path):
    pod = bench.pod(clip)
    bench.database[Bucket.SOURCES.chunks].delete_one({"n": 0})
    assert pod.run() == (ExitCode.SOURCE_MISSING, ExitCode.PEER_LOST), pod.logs()
    assert not pod.places.media.exists()


def test_a_source_whose_bytes_have_changed_is_corrupt(bench: Bench, clip: Path):
    pod = bench.pod(clip)
    chunks = bench.database[Bucket.SOURCES.chunks]
    chunk = chunks.find_one({"n": 0})
    assert chunk
    changed = bytes([chunk["data"][0] ^ 1]) + chunk["data"][1:]
    chunks.update_one({"_id": chunk["_id"]}, {"$set": {"data": changed}})
    assert pod.run() == (ExitCode.CORRUPT_MEDIA, ExitCode.PEER_LOST), pod.logs()
    assert not pod.places.media.exists()


def test_a_mongodb_that_is_away_for_a_moment_is_waited_for(
    bench: Bench, clip: Path, mongo_server: Server
):
    pod = bench.pod(clip)
    mongo_server.pause()
    try:
        mover, converter = pod.mover(), pod.converter()
        wait_until(lambda: "attempt" in pod.logs() and "did not answer" in pod.logs(), "a retry")
    finally:
        mongo_server.unpause()
    assert (pod.end_of(mover), pod.end_of(converter)) == (ExitCode.OK, ExitCode.OK), pod.logs()


def test_a_mongodb_that_refuses_is_given_up_and_the_password_is_not_told(bench: Bench, clip: Path):
    pod = bench.pod(clip)
    address = bench.variables["MONGO_URI"].split("@")[1]
    pod.variables["MONGO_URI"] = f"mongodb://mover:the-password@{address}"
    mover, converter = pod.mover(), pod.converter()
    assert pod.end_of(mover) is ExitCode.STORAGE_UNAVAILABLE
    assert pod.end_of(converter, SOON) is ExitCode.PEER_LOST
    assert "the-password" not in pod.logs() + str(pod.mover_report())


def test_a_result_that_stands_already_is_reported_and_nothing_is_converted(
    bench: Bench, clip: Path
):
    first = bench.pod(clip)
    assert first.run() == (ExitCode.OK, ExitCode.OK), first.logs()
    again = bench.pod_for(first.plan)
    assert again.run() == (ExitCode.OK, ExitCode.OK), again.logs()
    assert again.mover_report().result == first.mover_report().result
    assert not again.places.media.exists()
    assert not again.places.result.exists()


def test_a_late_loser_stores_nothing_and_reports_the_winner(
    bench: Bench, clip: Path, tmp_path: Path
):
    pod = bench.pod(clip)
    mover = pod.mover()
    wait_until(pod.places.media.exists, "it has found no result")
    winner = _store_winner(bench, pod)
    converter = pod.converter()
    assert (pod.end_of(mover), pod.end_of(converter)) == (ExitCode.OK, ExitCode.OK), pod.logs()
    report = pod.mover_report()
    assert report.result
    assert report.result.file_id == winner
    assert download(bench.database, pod.plan, tmp_path / "result.mp3").id == winner
    keys = bench.database[Bucket.RESULTS.chunks].distinct("files_id")
    assert keys == [ObjectId(winner)]
    assert left_behind(bench.database)["intents"] == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_full_disk_is_said_to_be_full(bench: Bench, tmp_path: Path):
    pod = bench.pod(media.make_clip(tmp_path / "clip.mp4", seconds=10))
    small = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(pod.places.output)]
    subprocess.run(small, check=True)
    try:
        assert pod.run() == (ExitCode.PEER_LOST, ExitCode.DISK_FULL), pod.logs()
    finally:
        subprocess.run(["umount", "--lazy", str(pod.places.output)], check=True)


@pytest.mark.parametrize("role", ["mover", "converter"])
def test_what_is_missing_in_the_environment_is_named_at_once(role: str):
    done = subprocess.run(
        [sys.executable, "-m", "soundstrip_worker", role],
        env={"PATH": os.environ["PATH"]},
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 2
    assert "SOUNDSTRIP_PLAN" in done.stderr
    assert ("MONGO_URI" in done.stderr) is (role == "mover")


def _store_winner(bench: Bench, pod: Pod) -> str:
    with FileWriter(bench.database, Bucket.RESULTS, install="test", owner=OWNER) as writer:
        writer.write(b"the winner's audio")
        metadata = {
            "conversion": pod.plan.conversion,
            "conversionUid": pod.plan.uid,
            "run": pod.plan.run,
            "contentType": "audio/mpeg",
            "durationSeconds": 3.0,
            "bitrate": 192_000,
        }
        return writer.finish("clip.mp3", metadata).id


def _child_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    deadline = time.monotonic() + SOON
    while not (text := children.read_text().split()):
        assert time.monotonic() < deadline
    return int(text[0])
