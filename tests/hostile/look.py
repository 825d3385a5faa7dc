"""What a process and all its children try to open and to reach, seen by strace."""

import re
from dataclasses import dataclass
from pathlib import Path

_CONFINES = "landlock_"
_CALLS = "?open,openat,?openat2,?creat,execve,execveat,%network,/landlock"
_OPEN = re.compile(r'\b(?:open|openat2?|creat|execve|execveat)\([^"]*"((?:[^"\\]|\\.)*)"')
_NETWORK = re.compile(
    r"\b(?:socket|connect|bind|sendto|sendmsg)\(.*AF_(?:INET|INET6|PACKET|NETLINK)"
)


@dataclass(frozen=True)
class Look:
    """Paths that were opened or run, or should have been; and calls that would use a network."""

    paths: frozenset[str]
    network: tuple[str, ...]


def strace(log: Path) -> tuple[str, ...]:
    """Return the command before the command that is to be watched."""
    return (
        "strace", "--follow-forks", "--seccomp-bpf", "-qq", "--string-limit=4096",
        f"--trace={_CALLS}", f"--output={log}",
    )  # fmt: skip


def read_look(log: Path) -> Look:
    """Read what strace saw, whether it was allowed or not, since the process confined itself.

    Or tried to: the last of those calls is where it begins.
    """
    lines = log.read_text("utf-8", "replace").rpartition(_CONFINES)[2].splitlines()
    paths = (found[1] for line in lines if (found := _OPEN.search(line)))
    return Look(frozenset(paths), tuple(line for line in lines if _NETWORK.search(line)))
