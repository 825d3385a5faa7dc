"""Runs FFmpeg's tools: each in a process group of its own, its output bounded, its end certain.

A child is ended by SIGKILL at once. SIGTERM would only let FFmpeg finish a file that nobody wants,
and some hostile files keep it from noticing SIGTERM at all.
"""

import os
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from soundstrip_worker.judgement import Ending

_LOOK_SECONDS = 0.2
_LAST_BREATH_SECONDS = 5.0
_READ_SIZE = 65536
_COMPLAINTS_SIZE = 8192
_MOST_DATA = 1 << 30
"""Bytes of memory that one process gets. No container has so much: a file that would have its index
take gigabytes at once is told from one for which a container is a little too small."""


def bound_memory() -> None:
    """Bound the data of this process, and of each child that it will start."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _MOST_DATA if hard == resource.RLIM_INFINITY else min(hard, _MOST_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


class Room(msgspec.Struct, frozen=True):
    """How many bytes of a child's output are kept: all that there may be, or only the end."""

    size: int
    only_end: bool = False


NO_ROOM = Room(0)


class Finished(msgspec.Struct, frozen=True):
    """What a child left: how it ended, and what it wrote to stdout."""

    ending: Ending
    output: bytes


class Children:
    """Starts one child at a time, from one thread."""

    def __init__(self) -> None:
        self._running: subprocess.Popen[bytes] | None = None

    def run(
        self,
        arguments: list[str],
        *,
        watch: Callable[[], None],
        seconds: float | None = None,
        room: Room = NO_ROOM,
    ) -> Finished:
        """Run a command to its end; what `watch` raises, several times a second, ends it.

        After `seconds`, or when there is no more room for its output, it is killed and has timed
        out.
        """
        with subprocess.Popen(  # noqa: S603 - an argument list of our own, and no shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            start_new_session=True,
        ) as child:
            self._running = child
            try:
                return _attend(child, watch, seconds, room)
            finally:
                self.kill()
                self._running = None

    def kill(self) -> None:
        """End the child that runs, if one does, with all that it may have started."""
        if self._running and self._running.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)


def _attend(
    child: subprocess.Popen[bytes],
    watch: Callable[[], None],
    seconds: float | None,
    room: Room,
) -> Finished:
    streams = _Streams(child, room)
    in_time = streams.drain(watch, time.monotonic() + seconds if seconds else None)
    if in_time:
        # Both pipes are closed: it is all but gone, and its exit code must not become SIGKILL's.
        with suppress(subprocess.TimeoutExpired):
            child.wait(_LAST_BREATH_SECONDS)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
    complaints = streams.complaints.decode("utf-8", "replace")
    return Finished(Ending(child.wait(), complaints, not in_time), bytes(streams.output))


class _Streams:
    """The two pipes of a child: what there is room for of stdout, and the end of stderr."""

    def __init__(self, child: subprocess.Popen[bytes], room: Room) -> None:
        self.output = bytearray()
        self.complaints = bytearray()
        self._room = room
        self._selector = selectors.DefaultSelector()
        for stream, take in ((child.stdout, self._take_output), (child.stderr, self._take_errors)):
            if stream:
                self._selector.register(stream, selectors.EVENT_READ, take)

    def drain(self, watch: Callable[[], None], deadline: float | None) -> bool:
        """Read until both pipes are closed; False if time or room ran out first."""
        with self._selector:
            while self._selector.get_map():
                watch()
                if len(self.output) > self._room.size or _is_past(deadline):
                    return False
                for key, _ in self._selector.select(_LOOK_SECONDS):
                    self._read(key)
        return True

    def _read(self, key: selectors.SelectorKey) -> None:
        data = os.read(key.fd, _READ_SIZE)
        if data:
            key.data(data)
        else:
            self._selector.unregister(key.fileobj)

    def _take_output(self, data: bytes) -> None:
        self.output += data
        if self._room.only_end:
            del self.output[: -self._room.size]

    def _take_errors(self, data: bytes) -> None:
        self.complaints += data
        del self.complaints[:-_COMPLAINTS_SIZE]


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline
