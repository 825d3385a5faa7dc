"""Runs a command, and writes the memory of its largest process, in bytes, into a file.

A program of its own: a process counts as its own peak what it was forked from, so a test's own
memory would be counted too.
"""

import os
import sys
from pathlib import Path

_SIGNALLED = 128


def measured(log: Path) -> tuple[str, ...]:
    """Return the command before the command that is to be measured."""
    return (sys.executable, "-I", "-S", __file__, str(log))


def main() -> None:
    """Run it, and end as it ended."""
    log, *command = sys.argv[1:]
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    Path(log).write_text(str(usage.ru_maxrss * 1024), "ascii")
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else _SIGNALLED - code)


if __name__ == "__main__":
    main()
