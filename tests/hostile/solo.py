"""The real converter at work on a file, its mover played by the test, watched and measured."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from tests.ffmpeg import shipped
from tests.hostile.look import Look, read_look, strace
from tests.hostile.seeds import Seeds
from tests.peak import measured
from tests.worker import Pod, make_plan

from soundstrip_crds.audio import Output
from soundstrip_crds.job import ConverterReport, ExitCode
from soundstrip_worker.lifeline import hold_lock

_SYSTEM = ("/usr/", "/lib", "/bin/", "/app/")
_OF_THE_SYSTEM = frozenset(
    {
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/dev/null",
        "/dev/urandom",
        "/proc/sys/vm/overcommit_memory",  # malloc, when a thread has had much
    }
)


@dataclass(frozen=True)
class End:
    """How the converter ended, what it and FFmpeg took, and what they looked at."""

    code: ExitCode
    report: ConverterReport
    peak_bytes: int
    """Memory of the largest process."""
    look: Look
    pod: Pod

    @property
    def result(self) -> Path:
        """The audio."""
        return self.pod.places.result

    def strange_paths(self) -> set[str]:
        """Return what was opened that is neither the source, nor the output, nor the system's."""
        own = (f"{self.pod.places.source}", f"{self.pod.places.output}", str(self.pod.end_log))
        code = filter(
            None, (sys.prefix, sys.base_prefix, *sys.path, *os.get_exec_path(), str(shipped()))
        )
        known = (*_SYSTEM, *own, *code)
        return {
            path
            for path in self.look.paths
            if not os.path.normpath(path).startswith(known) and path not in _OF_THE_SYSTEM
        }


def convert(
    media: Path, directory: Path, *, most_bytes: int, seconds: float, output: Output | None = None
) -> End:
    """Convert a file; the test fails if that takes so many seconds."""
    directory.mkdir()
    pod = Pod(directory, make_plan(media, max_result_bytes=most_bytes, output=output), {})
    lock = hold_lock(pod.places.mover_lock)
    try:
        pod.places.media.hardlink_to(media)
        log = directory / "strace"
        peak = directory / "peak"
        process = pod.converter(*measured(peak), *strace(log))
        code = pod.end_of(process, seconds)
    finally:
        for child in pod.children():
            os.kill(child, SIGKILL)
        os.close(lock)
    return End(code, pod.converter_report(), int(peak.read_text()), read_look(log), pod)


def usual_paths(seeds: Seeds, directory: Path) -> frozenset[str]:
    """Return what FFmpeg's libraries look for outside whatever the file is: an honest one here."""
    end = convert(seeds.path("mp4"), directory, most_bytes=10**6, seconds=100)
    assert end.code is ExitCode.OK, end.pod.logs()
    return frozenset(end.strange_paths())
