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

    A process's CPU holds that of its children, except FFmpeg's, which stands by itself, with up to
    50 ms of who ran it. The memory is the sum of their proportional set sizes (PSS), looked at
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
    parts = samples.split(cpu)
    longest = samples.share_of_longest * parts.get(FFMPEG, 0.0)
    return Usage(seconds, parts, samples.most / _MEGABYTE, longest)


def _reap(process: "subprocess.Popen[bytes]") -> float:
    """Return the CPU seconds of a process that has ended, and of its children."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


class _Samples:
    """The most memory that was seen, and each process's CPU when it was last seen."""

    def __init__(self, weigh: bool) -> None:  # noqa: FBT001 - said by name where it is set
        self.most = 0
        self._weigh = weigh
        self._own: dict[str, float] = {}
        self._ffmpegs: dict[str, dict[int, float]] = defaultdict(dict)

    @property
    def share_of_longest(self) -> float:
        """The part of all FFmpegs' CPU that the one had which took most."""
        seen = [cpu for each in self._ffmpegs.values() for cpu in each.values()]
        return max(seen) / sum(seen) if any(seen) else 0.0

    def take(self, roots: Mapping[str, int]) -> None:
        """Look at these processes and all below them."""
        memory = 0
        for name, root in roots.items():
            for pid in _family(root):
                try:
                    memory += _proportional_size(pid) if self._weigh else 0
                    self._note(name, root, pid)
                except OSError:
                    continue  # It has just ended.
        self.most = max(self.most, memory)

    def _note(self, name: str, root: int, pid: int) -> None:
        if pid == root:
            self._own[name] = cpu_seconds(pid)
        elif _is_ffmpeg(pid):
            self._ffmpegs[name][pid] = cpu_seconds(pid)

    def split(self, cpu: Mapping[str, float]) -> dict[str, float]:
        """Take FFmpeg's CPU out of that of the processes which started it.

        It is what these did not take themselves: an FFmpeg may do much after it was last seen.
        """
        own = {name: min(cpu[name], self._own[name]) for name in self._ffmpegs}
        ffmpeg = sum(cpu[name] - used for name, used in own.items())
        return {**cpu, **own} | ({FFMPEG: ffmpeg} if own else {})


def _is_ffmpeg(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() in {"ffmpeg", "ffprobe"}


def _family(root: int) -> Iterator[int]:
    yield root
    for children in _children_of(root):
        try:
            pids = children.read_text().split()
        except OSError:
            continue  # The thread has just ended.
        for pid in pids:
            yield from _family(int(pid))


def _children_of(process: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{process}/task").glob("*/children"))
    except OSError:
        return []  # It has just ended.


def _proportional_size(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0  # It is a zombie.
