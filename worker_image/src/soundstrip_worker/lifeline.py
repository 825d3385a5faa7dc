"""How each container learns of the other's death: a lock that the kernel frees, whatever the cause.

The lock's descriptor is close-on-exec: FFmpeg does not inherit it, so a converter that was killed
is known to be dead even while its FFmpeg still lives. In a container that is an instant: the death
of PID 1 kills all. Outside of one, an FFmpeg whose converter was SIGKILLed runs to its end.
"""

import fcntl
import os
import stat
import time
from enum import Enum, auto
from pathlib import Path

from soundstrip_crds.job import ExitCode
from soundstrip_worker.failures import Disrupted


def hold_lock(path: Path) -> int:
    """Let a lock file appear already locked; return its descriptor, to be kept open for life."""
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
    os.fchmod(descriptor, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    draft.rename(path)
    return descriptor


class PeerState(Enum):
    """What is known of the other container."""

    AWAITED = auto()
    ALIVE = auto()
    GONE = auto()


class Peer:
    """The other container, seen through its lock file, which it may have made out of malice."""

    def __init__(self, name: str, lock: Path, *, patience: float) -> None:
        self._name = name
        self._lock = lock
        self._descriptor: int | None = None
        self._deadline = time.monotonic() + patience
        self._gone = False

    def state(self) -> PeerState:
        """Look once; a peer that does not appear within the patience is gone."""
        if self._gone:
            return PeerState.GONE
        if self._descriptor is None:
            self._descriptor = _open(self._lock)
        if self._descriptor is None:
            self._gone = time.monotonic() > self._deadline
            return PeerState.GONE if self._gone else PeerState.AWAITED
        self._gone = _is_free(self._descriptor)
        return PeerState.GONE if self._gone else PeerState.ALIVE

    def lost(self) -> Disrupted:
        """Return the error that says so."""
        how = "did not appear" if self._descriptor is None else "ended early"
        return Disrupted(ExitCode.PEER_LOST, f"The {self._name} {how}.")


def _open(path: Path) -> int | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None  # Not there yet, or a symlink: either way no lock, and patience has an end.
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
