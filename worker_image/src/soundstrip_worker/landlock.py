"""Confines this process and all that it will start: by Landlock, where the kernel has it.

What is not allowed here is denied by the kernel, whatever a hostile file makes FFmpeg do: other
files, TCP, sockets and signals to the outside. It can't be taken back. Numbers and meanings are
those of linux/landlock.h; the system calls have the same numbers on x86-64 and arm64.
"""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

import msgspec

from soundstrip_worker.journal import Journal
from soundstrip_worker.places import Places


class Access(IntFlag):
    """What can be done with files and directories, and below them."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


class Rule(msgspec.Struct, frozen=True):
    """What is allowed at a path and below it."""

    path: Path
    access: Access


class Denial(msgspec.Struct, frozen=True):
    """What a kernel can deny: of files, of TCP, and of what reaches beyond the confined."""

    files: int
    tcp: int
    scopes: int


_READ = Access.READ_FILE | Access.READ_DIR
_RUN = _READ | Access.EXECUTE
_REWRITE = Access.WRITE_FILE | Access.TRUNCATE
_KEEP_FILES = _READ | _REWRITE | Access.MAKE_REG | Access.REMOVE_FILE
_OF_A_FILE = Access.EXECUTE | _REWRITE | Access.READ_FILE | Access.IOCTL_DEV

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/app")

_FILES_BY_ABI = {1: (1 << 13) - 1, 2: Access.REFER, 3: Access.TRUNCATE, 5: Access.IOCTL_DEV}
_TCP_SINCE, _BIND_AND_CONNECT = 4, 0b11
_SCOPES_SINCE, _ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_SET_NO_NEW_PRIVS = 38
_IS_NOT_THERE = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM})
"""Not built, not switched on, or kept from us by a seccomp profile that is older."""


def converter_rules(places: Places, termination_log: Path, code: Iterable[str]) -> tuple[Rule, ...]:
    """Return all that the converter and FFmpeg need.

    `code` is where Python finds modules and programs. In the output directory there are regular
    files only: no link, no pipe, no directory can be made.
    """
    return (
        *(
            Rule(Path(path), _RUN)
            for path in dict.fromkeys([*_SYSTEM, *code])
            if _is_within_root(path)
        ),
        Rule(Path("/etc/ld.so.cache"), Access.READ_FILE),
        Rule(Path("/dev/urandom"), Access.READ_FILE),
        Rule(Path("/dev/null"), Access.READ_FILE | Access.WRITE_FILE),
        Rule(places.source, _READ),
        Rule(places.output, _KEEP_FILES),
        Rule(termination_log, _REWRITE),
    )


def _is_within_root(path: str) -> bool:
    return path.startswith("/") and path != "/"


def denied_by(abi: int) -> Denial:
    """Return all that a kernel with this version of the interface can deny."""
    files = sum(added for since, added in _FILES_BY_ABI.items() if abi >= since)
    return Denial(
        files=files,
        tcp=_BIND_AND_CONNECT if abi >= _TCP_SINCE else 0,
        scopes=_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= _SCOPES_SINCE else 0,
    )


def encode_denial(denial: Denial) -> bytes:
    """Return `struct landlock_ruleset_attr`, no longer than a kernel of that version knows it."""
    size = 24 if denial.scopes else 16 if denial.tcp else 8
    return struct.pack("=QQQ", denial.files, denial.tcp, denial.scopes)[:size]


def encode_rule(access: Access, descriptor: int) -> bytes:
    """Return `struct landlock_path_beneath_attr`, which is packed."""
    return struct.pack("=Qi", access, descriptor)


def confine(rules: Iterable[Rule], journal: Journal) -> None:
    """Deny this process and its children all that no rule allows; to be called before any thread.

    A kernel without Landlock is lived with, and that is logged.
    """
    kernel = _Kernel()
    try:
        abi = kernel.version()
    except OSError as error:
        if error.errno not in _IS_NOT_THERE:
            raise
        journal.warning("not confined: the kernel has no Landlock", error=error.strerror)
        return
    kernel.enforce(denied_by(abi), rules)
    journal.info("confined by Landlock", abi=abi)


class _Kernel:
    """The system calls, for which there is no other way from Python."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def version(self) -> int:
        return self._call(_CREATE_RULESET, None, 0, _ASK_VERSION)

    def enforce(self, denial: Denial, rules: Iterable[Rule]) -> None:
        attributes = encode_denial(denial)
        ruleset = self._call(_CREATE_RULESET, attributes, len(attributes), 0)
        try:
            for rule in rules:
                self._allow(ruleset, rule, denial)
            if self._libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
                raise _error()
            self._call(_RESTRICT_SELF, ruleset, 0)
        finally:
            os.close(ruleset)

    def _allow(self, ruleset: int, rule: Rule, denial: Denial) -> None:
        """What is not there, or may not be seen, needs no rule."""
        try:
            descriptor = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return
        try:
            is_directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
            access = rule.access & denial.files & (~0 if is_directory else _OF_A_FILE)
            attributes = encode_rule(access, descriptor)
            self._call(_ADD_RULE, ruleset, _PATH_BENEATH, attributes, 0)
        finally:
            os.close(descriptor)

    def _call(self, number: int, *arguments: bytes | int | None) -> int:
        words = (ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)
        answer: int = self._libc.syscall(ctypes.c_long(number), *words)
        if answer < 0:
            raise _error()
        return answer


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
