"""Children that run at the same time, and such as misbehave: each ends, and in time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from soundstrip_worker.children import Children, Finished, Room

STUBBORN = "trap '' TERM; while :; do :; done"
SWOLLEN = """
import sys
from soundstrip_worker.children import Children, bound_memory
bound_memory()
done = Children().run([sys.executable, "-c", "bytearray(2 << 30)"], watch=lambda: None)
print(done.ending.status, done.ending.complaints)
"""


def run(script: str, *, seconds: float = 30, room: Room = Room(100)) -> Finished:  # noqa: B008
    return Children().run(["sh", "-c", script], watch=lambda: None, seconds=seconds, room=room)


def test_one_that_does_not_notice_sigterm_ends_when_its_time_is_up():
    done = run(STUBBORN, seconds=0.1)
    assert done.ending.timed_out
    assert done.ending.status == -9


def test_what_it_has_started_ends_with_it():
    done = run("sleep 300 & sleep 300", seconds=0.1)
    assert done.ending.timed_out


def test_one_that_says_more_than_there_is_room_for_is_ended():
    done = run("yes")
    assert done.ending.timed_out


def test_only_the_end_is_kept_where_only_the_end_is_wanted():
    done = run("head -c 1000000 /dev/zero; echo end", room=Room(10, only_end=True))
    assert done.output == b"\0" * 6 + b"end\n"
    assert done.ending.status == 0


def test_complaints_without_end_are_kept_to_a_page():
    done = run("yes complaint | head -c 1000000 >&2")
    assert len(done.ending.complaints) <= 8192


def test_what_the_watch_raises_ends_it():
    def watch() -> None:
        raise TimeoutError

    children = Children()
    with pytest.raises(TimeoutError):
        children.run(["sleep", "300"], watch=watch)


def test_one_that_wants_gigabytes_gets_none():
    command = [sys.executable, "-c", SWOLLEN]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.startswith("1 ")
    assert "MemoryError" in done.stdout


def nothing() -> None:
    """Watch for nothing."""


def test_children_run_at_the_same_time(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    commands = [["sh", "-c", f"cat {pipe}; echo $$ >&2"], ["sh", "-c", f"echo word > {pipe}"]]
    reader, writer = Children().run_all(commands, watch=nothing, room=Room(100))
    assert (reader.output, writer.output) == (b"word\n", b"")
    assert reader.ending.complaints
    assert not reader.ending.status
    assert not writer.ending.status


def test_when_one_has_failed_the_others_are_killed():
    commands = [["sleep", "600"], ["sh", "-c", "echo broken >&2; exit 3"], ["sleep", "600"]]
    endings = [each.ending for each in Children().run_all(commands, watch=nothing)]
    assert [ending.status for ending in endings] == [-9, 3, -9]
    assert endings[1].complaints == "broken\n"


def test_one_that_ends_well_leaves_the_others_running(tmp_path: Path):
    commands = [["true"], ["sh", "-c", f"while ! test -e {tmp_path}/go; do :; done; echo end"]]

    def go() -> None:
        (tmp_path / "go").touch()

    finished = Children().run_all(commands, watch=go, room=Room(100))
    assert [each.output for each in finished] == [b"", b"end\n"]


def test_what_the_watch_raises_ends_all(tmp_path: Path):
    seen = [tmp_path / "one", tmp_path / "other"]

    def stop() -> None:
        if all(path.exists() and path.read_text() for path in seen):
            raise KeyError

    commands = [["sh", "-c", f"echo $$ > {path}; exec sleep 600"] for path in seen]
    with pytest.raises(KeyError):
        Children().run_all(commands, watch=stop)
    for path in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


def test_one_that_says_too_much_ends_all():
    commands = [["sleep", "600"], ["sh", "-c", "yes"]]
    assert all(
        each.ending.timed_out for each in Children().run_all(commands, watch=nothing, room=Room(9))
    )


def test_a_program_that_is_not_there_leaves_none_running():
    with pytest.raises(FileNotFoundError):
        Children().run_all([["sleep", "600"], ["/no/such/program"]], watch=nothing)
