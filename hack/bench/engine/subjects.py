"""Who converts: Soundstrip's two containers as processes, the seed's style, and FFmpeg alone."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from hack.bench.engine.clips import Clip
from hack.bench.engine.meter import Usage, attend
from hack.bench.engine.stage import DATABASE, Cost, Stage
from tests.worker import Pod

from soundstrip_crds.job import JobPlan, Stages
from soundstrip_storage.gridfs import remove_file
from soundstrip_storage.layout import Bucket

_SEED_BUCKET = "seed"
_TOLERANCE_SECONDS = 0.1


@dataclass(frozen=True)
class Soundstrip:
    """Mover and converter as in a pod, with a plan for a clip that is in the store."""

    stage: Stage
    clip: Clip
    plan: JobPlan
    ffmpeg: Path
    """The folder of the FFmpeg that the worker finds first."""
    is_bound: bool = False
    """Everything of it is kept on one core."""
    keep: Path | None = None
    """Where a copy of the audio goes."""

    def convert(self, *, weigh: bool) -> Cost:
        """Do the whole job as a new one, and leave nothing in the store."""
        plan = msgspec.structs.replace(self.plan, uid=str(uuid.uuid4()))
        pod = self.stage.pods.pod_for(plan)
        pod.variables["PATH"] = f"{self.ffmpeg}:{os.environ['PATH']}"
        cost = self.stage.account(lambda: _run(pod, self.is_bound, weigh), lambda: _stages(pod))
        if self.keep:
            shutil.copy(pod.places.result, self.keep)
        self._check_and_clear(pod)
        return cost

    def _check_and_clear(self, pod: Pod) -> None:
        result = pod.mover_report().result
        assert result, pod.logs()
        off = abs(result.duration_seconds - self.clip.seconds)
        assert off < _TOLERANCE_SECONDS, f"{self.clip.name}: the result is {off:.3f} s off"
        remove_file(self.stage.pods.database, Bucket.RESULTS, result.file_id)
        shutil.rmtree(pod.places.source.parent)


def _run(pod: Pod, is_bound: bool, weigh: bool) -> Usage:  # noqa: FBT001 - said by name where set
    start = time.perf_counter()
    prefix = _on_core(0) if is_bound else ()
    processes = {"mover": pod.mover(*prefix), "converter": pod.converter(*prefix)}
    usage = attend(processes, start, weigh=weigh)
    codes = {process.returncode for process in processes.values()}
    assert codes == {0}, pod.logs()
    return usage


def _stages(pod: Pod) -> dict[str, float]:
    stages = pod.mover_report().stages
    assert stages, pod.logs()
    names = [name for name in Stages.__struct_fields__ if getattr(stages, name)]
    moments = [getattr(stages, name) for name in names]
    spans = zip(names[1:], moments, moments[1:], strict=False)
    return {name: (after - before).total_seconds() for name, before, after in spans}


@dataclass(frozen=True)
class SeedStyle:
    """The whole file to memory, MoviePy with this host's FFmpeg, the whole result to memory."""

    stage: Stage
    file_id: str

    def convert(self, *, weigh: bool) -> Cost:
        """Do the whole job, and leave nothing."""
        cost = self.stage.account(lambda: _run_alone(self._command(), self._environment(), weigh))
        for part in ("files", "chunks"):
            self.stage.pods.database[f"{_SEED_BUCKET}.{part}"].delete_many({})
        return cost

    def _command(self) -> list[str]:
        module = "hack.bench.engine.seed_style"
        return [sys.executable, "-m", module, self.file_id, _SEED_BUCKET]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "MONGO_URI": self.stage.uri,
            "MONGO_DB": DATABASE,
            "IMAGEIO_FFMPEG_EXE": host_ffmpeg(),
        }


@dataclass(frozen=True)
class FFmpegAlone:
    """One command on local files, which touches no store."""

    stage: Stage
    clip: Clip

    def convert(self, *, weigh: bool) -> Cost:
        """Do the job, and leave nothing."""
        result = self.stage.folder / "alone.mp3"
        quiet = ["-nostdin", "-v", "error", "-y"]
        command = [host_ffmpeg(), *quiet, "-i", str(self.clip.path)]
        made = [*command, "-vn", "-b:a", "192k", str(result)]
        cost = self.stage.account(lambda: _run_alone(made, {"PATH": os.environ["PATH"]}, weigh))
        result.unlink()
        return cost


@dataclass(frozen=True)
class SideBySide:
    """Encodes of a local file that share nothing, each kept on a core of its own."""

    stage: Stage
    clip: Clip
    ffmpeg: Path
    count: int

    def convert(self, *, weigh: bool) -> Cost:
        """Do them at once, and leave nothing."""
        results = [self.stage.folder / f"side-{core}.mp3" for core in range(self.count)]
        cost = self.stage.account(lambda: self._run(results, weigh))
        for result in results:
            result.unlink()
        return cost

    def _run(self, results: Sequence[Path], weigh: bool) -> Usage:  # noqa: FBT001 - as above
        start = time.perf_counter()
        processes = {path.name: self._encode(core, path) for core, path in enumerate(results)}
        usage = attend(processes, start, weigh=weigh)
        assert all(process.returncode == 0 for process in processes.values())
        return usage

    def _encode(self, core: int, result: Path) -> "subprocess.Popen[bytes]":
        quiet = ["-nostdin", "-v", "error", "-y"]
        given = [str(self.ffmpeg / "ffmpeg"), *quiet, "-threads", "1", "-i", str(self.clip.path)]
        made = ["-map", "0:a:0", "-b:a", "192k", "-reservoir", "0", str(result)]
        return subprocess.Popen([*_on_core(core), *given, *made])


def _on_core(core: int) -> tuple[str, ...]:
    return ("taskset", "--cpu-list", str(sorted(os.sched_getaffinity(0))[core]))


def _run_alone(command: list[str], environment: Mapping[str, str], weigh: bool) -> Usage:  # noqa: FBT001 - as above
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment)
    usage = attend({Path(command[0]).name: process}, start, weigh=weigh)
    assert process.returncode == 0, f"{command[:3]} failed"
    return usage


def host_ffmpeg() -> str:
    """Return where this host's own FFmpeg is."""
    found = shutil.which("ffmpeg")
    assert found, "ffmpeg is not installed"
    return found
