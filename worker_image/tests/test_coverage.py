import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstrip_media.ranges import Range
from soundstrip_worker.coverage import Coverage, decode_ranges, encode_ranges

HERE = (Range(0, 100), Range(200, 300))


def covers(ranges: tuple[Range, ...], *packets: bytes) -> bool:
    coverage = Coverage(ranges, 1)
    for piece in packets:
        coverage.take(piece)
    return coverage.holds()


@pytest.mark.parametrize(
    "packets",
    [
        b"1,10,0\n",
        b"1,100,0\n1,100,200\n",
        b"1,1,299,\n\n1,1,0\n",
        b"1,0,100\n",
        b"0,10,150\n1,10,0\n2,10,N/A\n",
    ],
)
def test_packets_inside_the_ranges_are_covered(packets: bytes):
    assert covers(HERE, packets)


@pytest.mark.parametrize(
    "packets",
    [
        b"",
        b"\n\n",
        b"0,10,0\n",
        b"1,101,0\n",
        b"1,10,0\n1,1,100\n",
        b"1,1,300\n",
        b"1,10,N/A\n",
        b"1,-10,50\n",
        b"1,10\n",
        b"1,10,0\nnonsense\n",
    ],
)
def test_packets_elsewhere_or_nowhere_are_not(packets: bytes):
    assert not covers(HERE, packets)


@given(cut=st.integers(0, 33), missed=st.booleans())
def test_a_list_may_come_in_pieces_of_any_length(cut: int, missed: bool):  # noqa: FBT001
    packets = b"1,10,0\n0,7,150\n1,50,2%d0\n1,10,90" % (9 if missed else 0)
    assert covers(HERE, packets[:cut], packets[cut:]) is not missed


def test_nothing_covers_nothing():
    assert not covers((), b"1,1,0\n")


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(0, 1 << 40))))
def test_ranges_are_read_as_they_were_written(pairs: list[tuple[int, int]]):
    ranges = tuple(Range(*pair) for pair in pairs)
    assert decode_ranges(encode_ranges(ranges)) == ranges
