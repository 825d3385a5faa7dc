import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_worker.completeness import declared_size, is_cut_off
from soundstrip_worker.demuxers import HEAD_SIZE, Demuxer

PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def asf(size: int, flags: int = 2) -> bytes:
    fields = struct.pack("<Q16sQQQQQQIIII", 104, b"id", size, 0, 9, 9, 9, 9, flags, 1, 1, 1)
    return b"\0" * 30 + PROPERTIES + fields


def riff(size: int) -> bytes:
    return b"RIFF" + struct.pack("<I", size) + b"AVI "


@pytest.mark.parametrize(
    ("head", "demuxer"), [(riff(9992), Demuxer.AVI), (asf(10000), Demuxer.ASF)]
)
def test_a_file_that_is_shorter_than_its_header_says_is_cut_off(head: bytes, demuxer: Demuxer):
    assert declared_size(head, demuxer) == 10000
    assert is_cut_off(head, demuxer, 5000)
    assert not is_cut_off(head, demuxer, 9950)
    assert not is_cut_off(head, demuxer, 20000)


@pytest.mark.parametrize(
    ("head", "demuxer"),
    [
        (riff(0), Demuxer.AVI),
        (riff(0xFFFFFFFF), Demuxer.WAV),
        (asf(10000, flags=1), Demuxer.ASF),
        (asf(0), Demuxer.ASF),
        (b"\0" * 100, Demuxer.ASF),
        (riff(10000), Demuxer.MOV),
    ],
)
def test_a_header_that_does_not_say_a_size_refuses_nothing(head: bytes, demuxer: Demuxer):
    assert not is_cut_off(head, demuxer, 1)


@given(st.binary(max_size=HEAD_SIZE), st.sampled_from(Demuxer), st.integers(0, 1 << 50))
def test_any_head_has_an_answer(head: bytes, demuxer: Demuxer, size: int):
    is_cut_off(PROPERTIES + head, demuxer, size)
