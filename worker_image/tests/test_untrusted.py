import os
from pathlib import Path

import pytest

from soundstrip_crds.job import ExitCode
from soundstrip_worker.failures import Rejected
from soundstrip_worker.untrusted import read_pieces, read_tail, read_whole


def refusal(path: Path, most_bytes: int = 100) -> ExitCode:
    with pytest.raises(Rejected) as caught:
        read_whole(path, most_bytes)
    return caught.value.code


def test_a_regular_file_is_read_in_pieces(tmp_path: Path):
    path = tmp_path / "result"
    path.write_bytes(b"x" * 700_000)
    pieces = list(read_pieces(path, 700_000))
    assert sum(map(len, pieces)) == 700_000
    assert max(map(len, pieces)) < 700_000


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path):
    path = tmp_path / "result"
    path.write_bytes(b"x" * 101)
    assert refusal(path) is ExitCode.LIMIT_EXCEEDED


def test_a_symlink_is_not_followed(tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "result").symlink_to(tmp_path / "secret")
    assert refusal(tmp_path / "result") is ExitCode.CORRUPT_MEDIA


def test_a_fifo_is_refused_without_waiting_for_a_writer(tmp_path: Path):
    os.mkfifo(tmp_path / "result")
    assert refusal(tmp_path / "result") is ExitCode.CORRUPT_MEDIA


def test_a_directory_is_refused(tmp_path: Path):
    (tmp_path / "result").mkdir()
    assert refusal(tmp_path / "result") is ExitCode.CORRUPT_MEDIA


def test_a_device_is_refused():
    assert refusal(Path("/dev/zero")) is ExitCode.CORRUPT_MEDIA


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "result", 100)


def test_a_tail_is_bounded_however_long_the_file_is(tmp_path: Path):
    path = tmp_path / "progress"
    path.write_bytes(b"a" * 5000 + b"end")
    assert read_tail(path, 10) == b"aaaaaaaend"
    assert read_tail(path, 10_000) == b"a" * 5000 + b"end"
