"""Children that misbehave: each ends, in time, with no more kept of it than there is room for."""

import subprocess
import sys

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
