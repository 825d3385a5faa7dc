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
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import IO, assert_never

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


class Drain(msgspec.Struct, frozen=True):
    """What a child's output is given to, piece by piece: none of it is kept."""

    take: Callable[[bytes], None]


class Finished(msgspec.Struct, frozen=True):
    """What a child left: how it ended, and what it wrote to stdout."""

    ending: Ending
    output: bytes


class Children:
    """Starts children, one or several at a time, from any thread."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def run(
        self,
        arguments: list[str],
        *,
        watch: Callable[[], None],
        seconds: float | None = None,
        room: Room | Drain = NO_ROOM,
    ) -> Finished:
        """Run a command to its end; what `watch` raises, several times a second, ends it.

        After `seconds`, or when there is no more room for its output, it is killed and has timed
        out.
        """
        (finished,) = self.run_all([arguments], watch=watch, seconds=seconds, room=room)
        return finished

    def run_all(
        self,
        commands: Sequence[list[str]],
        *,
        watch: Callable[[], None],
        seconds: float | None = None,
        room: Room | Drain = NO_ROOM,
    ) -> list[Finished]:
        """Run commands at the same time; when one has failed, the others are killed."""
        mine: list[subprocess.Popen[bytes]] = []
        with ExitStack() as stack:
            try:
                for arguments in commands:
                    mine.append(stack.enter_context(_start(arguments)))
                    self._running.append(mine[-1])
                return _attend(mine, watch, seconds, room)
            finally:
                for child in mine:
                    _kill(child)
                    self._running.remove(child)

    def kill(self) -> None:
        """End the children that run, of every thread, with all that they may have started."""
        for child in list(self._running):
            _kill(child)


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - an argument list of our own, and no shell
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        process_group=0,
    )


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _attend(
    children: Sequence[subprocess.Popen[bytes]],
    watch: Callable[[], None],
    seconds: float | None,
    room: Room | Drain,
) -> list[Finished]:
    deadline = time.monotonic() + seconds if seconds else None
    with selectors.DefaultSelector() as selector:
        pipes = [_Pipes(child, selector, room) for child in children]
        in_time = True
        while in_time and selector.get_map() and not any(pipe.has_failed() for pipe in pipes):
            watch()
            in_time = not _is_past(deadline) and not any(pipe.is_full for pipe in pipes)
            for key, _ in selector.select(_LOOK_SECONDS) if in_time else ():
                key.data()
    return [pipe.finish(timed_out=not in_time) for pipe in pipes]


class _Pipes:
    """The two pipes of a child: what there is room for of stdout, and the end of stderr."""

    def __init__(
        self, child: subprocess.Popen[bytes], selector: selectors.BaseSelector, room: Room | Drain
    ) -> None:
        self._child = child
        self._selector = selector
        self._room = room
        self._output = bytearray()
        self._complaints = bytearray()
        self._open: set[IO[bytes]] = set()
        for stream, take in ((child.stdout, self._take_output), (child.stderr, self._take_errors)):
            if stream:
                self._open.add(stream)
                selector.register(stream, selectors.EVENT_READ, partial(self._read, stream, take))

    @property
    def is_full(self) -> bool:
        """There is more output than there is room for."""
        return isinstance(self._room, Room) and len(self._output) > self._room.size

    def has_failed(self) -> bool:
        """Tell whether the child has ended, all is read, and its exit code is an error's."""
        return not self._open and bool(self._child.poll())

    def finish(self, *, timed_out: bool) -> Finished:
        """Wait for a child whose pipes are closed, end any other, and return what it left."""
        if not self._open:
            # It is all but gone, and its exit code must not become SIGKILL's.
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(_LAST_BREATH_SECONDS)
        _kill(self._child)
        complaints = self._complaints.decode("utf-8", "replace")
        return Finished(Ending(self._child.wait(), complaints, timed_out), bytes(self._output))

    def _read(self, stream: IO[bytes], take: Callable[[bytes], None]) -> None:
        if data := os.read(stream.fileno(), _READ_SIZE):
            take(data)
        else:
            self._selector.unregister(stream)
            self._open.remove(stream)

    def _take_output(self, data: bytes) -> None:
        match self._room:
            case Drain(take):
                take(data)
            case Room(size, only_end):
                self._output += data
                if only_end:
                    del self._output[:-size]
            case _:
                assert_never(self._room)

    def _take_errors(self, data: bytes) -> None:
        self._complaints += data
        del self._complaints[:-_COMPLAINTS_SIZE]


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline
