"""What processes take: wall time, CPU, and the memory of all with their children together."""

import os
import selectors
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hack.bench.scale.subject import cpu_seconds

FFMPEG = "ffmpeg"
"""The name under which the CPU of all FFmpeg's programs stands."""

_LOOK_SECONDS = 0.05
_MEGABYTE = 1e6


@dataclass(frozen=True)
class Usage:
    """Seconds from the first one's start to the last one's end; CPU seconds; megabytes at most.

    A process's CPU holds that of its children, except FFmpeg's, which stands by itself, and is by
    up to 50 ms too small. The memory is the sum of their proportional set sizes (PSS), looked at
    every 50 ms; nought if they weren't weighed.
    """

    seconds: float
    cpu: Mapping[str, float]
    memory: float
    longest: float
    """The CPU seconds of the FFmpeg that took most, if others ran it."""


def attend(
    processes: Mapping[str, "subprocess.Popen[bytes]"], start: float, *, weigh: bool
) -> Usage:
    """Wait until all have ended; `start` is `time.perf_counter()` before the first was started.

    Weighing takes a tenth of a core, and holds the weighed up: who is timed is not weighed.
    """
    cpu: dict[str, float] = {}
    samples = _Samples(weigh)
    with selectors.DefaultSelector() as selector:
        for name, process in processes.items():
            selector.register(os.pidfd_open(process.pid), selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select(_LOOK_SECONDS):
                cpu[key.data] = _reap(processes[key.data])
                selector.unregister(key.fileobj)
                os.close(key.fd)
            seconds = time.perf_counter() - start
            samples.take({n: p.pid for n, p in processes.items() if p.returncode is None})
    return Usage(seconds, samples.split(cpu), samples.most / _MEGABYTE, samples.longest)


def _reap(process: "subprocess.Popen[bytes]") -> float:
    """Return the CPU seconds of a process that has ended, and of its children."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


class _Samples:
    """The most memory that was seen, and each FFmpeg's CPU when it was last seen."""

    def __init__(self, weigh: bool) -> None:  # noqa: FBT001 - said by name where it is set
        self.most = 0
        self._weigh = weigh
        self._ffmpegs: dict[str, dict[int, float]] = defaultdict(dict)

    @property
    def longest(self) -> float:
        """The CPU of the FFmpeg that took most."""
        return max((cpu for each in self._ffmpegs.values() for cpu in each.values()), default=0.0)

    def take(self, roots: Mapping[str, int]) -> None:
        """Look at these processes and all below them."""
        memory = 0
        for name, root in roots.items():
            for pid in _family(root):
                try:
                    memory += _proportional_size(pid) if self._weigh else 0
                    if pid != root and _is_ffmpeg(pid):
                        self._ffmpegs[name][pid] = cpu_seconds(pid)
                except OSError:
                    continue  # It has just ended.
        self.most = max(self.most, memory)

    def split(self, cpu: Mapping[str, float]) -> dict[str, float]:
        """Take FFmpeg's CPU out of that of the processes which started it."""
        parts = {name: sum(each.values()) for name, each in self._ffmpegs.items()}
        rest = {name: max(0.0, used - parts.get(name, 0.0)) for name, used in cpu.items()}
        return rest | ({FFMPEG: sum(parts.values())} if parts else {})


def _is_ffmpeg(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() in {"ffmpeg", "ffprobe"}


def _family(root: int) -> Iterator[int]:
    yield root
    for children in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            pids = children.read_text().split()
        except OSError:
            continue  # The thread has just ended.
        for pid in pids:
            yield from _family(int(pid))


def _proportional_size(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0  # It is a zombie.
