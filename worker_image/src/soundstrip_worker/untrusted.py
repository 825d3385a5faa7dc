"""Reads what the converter left, which may be anything: it has parsed a stranger's file.

Only regular files are taken, never through a symlink, never blocking on a FIFO, and never more than
a bound, however the file grows meanwhile.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from soundstrip_crds.job import ExitCode
from soundstrip_worker.failures import Rejected

_PIECE = 1 << 18
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def read_pieces(path: Path, most_bytes: int) -> Iterator[bytes]:
    """Yield a file's bytes.

    Raises:
        FileNotFoundError: If it is not there.
        Rejected: CORRUPT_MEDIA if it is no regular file, LIMIT_EXCEEDED if it is too large.
    """
    with open(_open(path), "rb", buffering=0) as file:
        left = most_bytes
        while piece := file.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise Rejected(
                    ExitCode.LIMIT_EXCEEDED, f"The converter's {path.name} is too large."
                )
            yield piece


def read_whole(path: Path, most_bytes: int) -> bytes:
    """Return a small file's bytes; raises as `read_pieces` does."""
    return b"".join(read_pieces(path, most_bytes))


def read_tail(path: Path, size: int) -> bytes:
    """Return the last bytes of a file of any length; raises as `read_pieces` does."""
    with open(_open(path), "rb", buffering=0) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - size))
        return file.read(size)


def _open(path: Path) -> int:
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refusal(path) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _refusal(path)


def _refusal(path: Path) -> Rejected:
    return Rejected(ExitCode.CORRUPT_MEDIA, f"The converter's {path.name} is no regular file.")
