"""The rules as they are, and the kernel's answer to them where it has Landlock."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from soundstrip_worker.landlock import (
    Access,
    converter_rules,
    denied_by,
    encode_denial,
    encode_rule,
)
from soundstrip_worker.places import Places

PLACES = Places(source=Path("/conversion/source"), output=Path("/conversion/output"))
LOG = Path("/dev/termination-log")
MAKES = Access.MAKE_CHAR | Access.MAKE_BLOCK | Access.MAKE_SYM | Access.MAKE_FIFO | Access.MAKE_SOCK
WRITES = MAKES | Access.WRITE_FILE | Access.TRUNCATE | Access.MAKE_REG | Access.MAKE_DIR

CONFINED = """
import os, sys
from pathlib import Path
from soundstrip_worker.journal import Journal
from soundstrip_worker.landlock import confine, converter_rules
from soundstrip_worker.places import Places
root = Path(sys.argv[1])
places = Places(source=root / "source", output=root / "output")
code = [sys.prefix, sys.base_prefix, *sys.path, *os.get_exec_path()]
confine(converter_rules(places, root / "end", code), Journal("test"))
os.chdir(root)
"""


@pytest.fixture
def room(tmp_path: Path) -> Path:
    for name in ("source", "output"):
        (tmp_path / name).mkdir()
    for name in ("source/media", "output/result", "end", "canary"):
        (tmp_path / name).write_text(name)
    return tmp_path


def run(room: Path, code: str, *prefix: str) -> "subprocess.CompletedProcess[str]":
    command = [*prefix, sys.executable, "-c", CONFINED + code, str(room)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)


def outcome(room: Path, code: str, since: int = 1) -> str:
    """Run code that is confined, and return its errno's name, or `done`.

    `since` is the version of the interface that can deny it.
    """
    done = run(
        room, f"try:\n  {code}\nexcept OSError as e: print(e.errno)\nelse: print('done')", *()
    )
    if "no Landlock" in done.stdout:
        pytest.skip("this kernel has no Landlock")
    if done.stdout and (abi := json.loads(done.stdout.splitlines()[0])["abi"]) < since:
        pytest.skip(f"this kernel's Landlock is of version {abi}")
    said = done.stdout.splitlines()[-1] if done.stdout else done.stderr
    return errno.errorcode.get(int(said), said) if said.isdigit() else said


def test_nothing_but_the_output_directory_the_log_and_dev_null_can_be_written():
    writable = {rule.path for rule in converter_rules(PLACES, LOG, ["/x"]) if rule.access & WRITES}
    assert writable == {PLACES.output, LOG, Path("/dev/null")}


def test_no_link_pipe_socket_or_device_can_be_made_anywhere():
    assert not any(rule.access & MAKES for rule in converter_rules(PLACES, LOG, ["/x"]))


def test_neither_the_root_nor_a_relative_path_of_the_search_path_is_opened():
    rules = converter_rules(PLACES, LOG, ["", "/", ".", "bin", "/x/bin"])
    paths = {str(rule.path) for rule in rules}
    assert "/x/bin" in paths
    assert not paths & {"/", "", ".", "bin", "/etc", "/proc", "/dev", "/conversion"}


@pytest.mark.parametrize(
    ("abi", "size", "files"), [(1, 8, 13), (2, 8, 14), (3, 8, 15), (4, 16, 15), (5, 16, 16)]
)
def test_an_older_kernel_is_asked_for_no_more_than_it_knows(abi: int, size: int, files: int):
    denial = denied_by(abi)
    assert denial.files == (1 << files) - 1
    assert len(encode_denial(denial)) == size


@pytest.mark.parametrize("abi", [6, 7, 99])
def test_a_newer_kernel_denies_tcp_and_what_reaches_beyond_as_well(abi: int):
    assert encode_denial(denied_by(abi)) == bytes(
        [0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
    )


def test_a_rule_is_packed_as_the_kernel_wants_it():
    assert encode_rule(Access.READ_FILE, 5) == bytes([4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0])


@pytest.mark.parametrize(
    "code",
    [
        "Path('source/media').read_text()",
        "Path('output/new').write_text('x'); Path('output/new').rename('output/n2')",
        "Path('output/result').unlink()",
        "Path('end').write_text('x')",
        "import subprocess; subprocess.run(['true'], stdin=subprocess.DEVNULL, check=True)",
    ],
)
def test_what_the_converter_does_is_allowed(room: Path, code: str):
    assert outcome(room, code) == "done"


@pytest.mark.parametrize(
    "code",
    [
        "Path('canary').read_text()",
        "Path('/etc/passwd').read_text()",
        "Path('/proc/self/environ').read_text()",
        "os.listdir('/')",
        "Path('source/media').write_text('x')",
        "Path('new').write_text('x')",
        "os.symlink('/etc/passwd', 'output/link')",
        "os.mkfifo('output/fifo')",
        "os.mkdir('output/directory')",
        "Path('output/x').write_text('#!/bin/sh'); os.chmod('output/x', 0o755); "
        "os.execv('output/x', ['x'])",
        "import subprocess; subprocess.run(['cat', 'canary'], check=False).returncode == 0 or "
        "Path('canary').open()",
    ],
)
def test_all_else_is_denied(room: Path, code: str):
    assert outcome(room, code) == "EACCES"
    assert (room / "canary").read_text() == "canary"


def test_nothing_else_is_cut_off(room: Path):
    assert outcome(room, "os.truncate('canary', 0)", since=3) == "EACCES"
    assert (room / "canary").read_text() == "canary"


def test_no_tcp_connection_can_be_made(room: Path):
    with socket.create_server(("127.0.0.1", 0)) as canary:
        port = canary.getsockname()[1]
        call = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
        assert outcome(room, call, since=4) == "EACCES"
        canary.settimeout(0)
        with pytest.raises(BlockingIOError):
            canary.accept()


def test_no_signal_reaches_beyond_the_confined(room: Path):
    call = f"os.kill({os.getpid()}, {signal.SIGURG:d})"
    assert outcome(room, call, since=6) == "EPERM"


def test_the_confined_gain_no_privilege(room: Path):
    done = run(room, "import ctypes; print(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))")
    assert done.stdout.splitlines()[-1] == "1", done.stderr


@pytest.mark.parametrize("error", ["ENOSYS", "EOPNOTSUPP", "EPERM"])
def test_a_kernel_without_landlock_is_lived_with_and_said_once(room: Path, error: str):
    inject = f"inject=landlock_create_ruleset:error={error}"
    strace = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", inject)
    done = run(room, "print(Path('canary').read_text())", *strace)
    assert done.stdout.endswith("canary\n"), done.stderr
    assert done.stdout.count("not confined") == 1


def test_another_error_of_the_kernel_is_not_passed_over(room: Path):
    inject = "inject=landlock_restrict_self:error=E2BIG"
    done = run(room, "print('went on')", "strace", "-qq", "-o", "/dev/null", "-e", inject)
    assert done.returncode
    assert "went on" not in done.stdout
