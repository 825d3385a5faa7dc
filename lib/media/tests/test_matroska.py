"""Matroska made element by element: what is needed of a part is found, and nothing leads astray."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.boxes import Content
from tests.ebml import element, make_matroska, number

from soundstrip_media.ebml import Element, read_element, void_header, walk
from soundstrip_media.layout import ALL, HEAD_SECONDS, Layout, Wanted
from soundstrip_media.ranges import Range
from soundstrip_media.readers import read_layout
from soundstrip_media.reading import Budget, NotUnderstood

PART = Wanted(track=0, seek=10, stop=12)
LENGTHS = st.lists(st.integers(0, 300), min_size=1, max_size=30)


def look(content: bytes, wanted: Wanted = PART, grain: int = 1) -> Layout | None:
    try:
        layout = read_layout(Content(content), wanted=wanted, grain=grain)
    except NotUnderstood:
        return None
    edges = [0, *(edge for each in layout.ranges for edge in (each.start, each.stop))]
    assert all(one <= other for one, other in pairwise([*edges, len(content)]))
    return layout


def bytes_in(ranges: tuple[Range, ...]) -> set[int]:
    return {at for each in ranges for at in range(each.start, each.stop)}


def mark(content: bytes, layout: Layout) -> bytes:
    """Return what a copy of the ranges alone holds."""
    copy = bytearray(len(content))
    for each in layout.ranges:
        copy[each.start : each.stop] = content[each.start : each.stop]
    for skip in layout.skips:
        copy[skip.range.start : skip.range.start + len(skip.mark)] = skip.mark
    return bytes(copy)


def children(content: bytes) -> list[Element]:
    file, budget = Content(content), Budget(1000, "elements")
    header = read_element(file, 0, file.size, budget)
    segment = read_element(file, header.stop, file.size, budget)
    return list(walk(file, segment.body, segment.stop, budget))


@given(
    lengths=st.lists(st.integers(0, 300), min_size=30, max_size=60),
    seek=st.integers(8, 28),
    length=st.one_of(st.none(), st.integers(1, 20)),
    cues_first=st.booleans(),
    grain=st.integers(1, 2000),
)
def test_a_part_needs_its_clusters_and_those_at_the_beginning(
    lengths: list[int], seek: int, length: int | None, *, cues_first: bool, grain: int
):
    made = make_matroska(lengths, cues_first=cues_first)
    stop = None if length is None else float(seek + length)
    layout = look(made.content, Wanted(track=0, seek=seek, stop=stop), grain)
    assert layout
    found = bytes_in(layout.ranges)
    assert set(made.index) <= found
    for second, cluster in enumerate(made.clusters):
        is_part = seek - 1 <= second <= (stop or len(lengths)) + 1
        if second < HEAD_SECONDS or is_part:
            assert set(cluster) <= found
        elif second < seek - 1 or (stop and second >= stop + 2):
            assert any(skip.range.start <= cluster.start < skip.range.stop for skip in layout.skips)


@given(lengths=st.lists(st.integers(0, 300), min_size=40, max_size=40), grain=st.integers(1, 2000))
def test_a_copy_with_holes_is_a_file_without_the_clusters_that_are_not_there(
    lengths: list[int], grain: int
):
    made = make_matroska(lengths)
    layout = look(made.content, Wanted(track=0, seek=20, stop=22), grain)
    assert layout
    copy = mark(made.content, layout)
    whole = {(each.id, each.start, each.stop) for each in children(made.content)}
    kept = {(each.id, each.start, each.stop) for each in children(copy) if each.id != 0xEC}
    assert kept < whole
    assert len(whole - kept) == sum(
        any(skip.range.start <= each.start < skip.range.stop for skip in layout.skips)
        for each in made.clusters
    )
    for skip in layout.skips:
        void = read_element(Content(copy), skip.range.start, len(copy), Budget(1, "elements"))
        assert (void.id, void.stop) == (0xEC, skip.range.stop)


def test_without_a_part_all_is_needed():
    assert look(make_matroska([10] * 30).content, ALL) is None
    assert look(make_matroska([10] * 30).content, Wanted(track=0)) is None


def test_a_part_at_the_beginning_needs_no_seek():
    made = make_matroska([100] * 30)
    layout = look(made.content, Wanted(track=0, stop=3))
    assert layout
    assert made.clusters[8].start not in bytes_in(layout.ranges)
    assert set(made.clusters[6]) <= bytes_in(layout.ranges)


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "number", "cut", "repeat"]),
        st.integers(0, 1 << 16),
        st.sampled_from([0, 1, 0x0F, 0x40, 0x80, 0xEC, 0xFF, 0x1FFFFFFF, 0xFFFFFFFF]),
    ),
    min_size=1,
    max_size=4,
)


def mutate(content: bytes, mutations: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(content)
    for kind, where, value in mutations:
        at = where % (len(data) or 1)
        match kind:
            case "flip":
                data[at : at + 1] = bytes([value & 0xFF])
            case "number":
                data[at : at + 4] = value.to_bytes(4, "big")
            case "cut":
                del data[at : at + 1 + value % 64]
            case _:
                data[at:at] = data[at : at + 1 + value % 64]
    return bytes(data)


@given(lengths=LENGTHS, cues_first=st.booleans(), mutations=MUTATIONS)
def test_no_damage_leads_astray(
    lengths: list[int], mutations: list[tuple[str, int, int]], *, cues_first: bool
):
    content = mutate(make_matroska(lengths, cues_first=cues_first).content, mutations)
    layout = look(content)
    if layout:
        for skip in layout.skips:
            assert 0 <= skip.range.start < skip.range.start + len(skip.mark) <= skip.range.stop
            assert skip.range.stop <= len(content)


@given(st.binary(max_size=200))
def test_noise_is_not_understood(noise: bytes):
    assert look(bytes.fromhex("1a45dfa3") + noise) is None


MADE = make_matroska([50] * 30)
CUES = element(0x1C53BB6B)[:4]


def lead(places: dict[int, int]) -> bytes:
    """Let cues of these seconds lead elsewhere."""
    content = MADE.content
    origin = MADE.clusters[0].start - int.from_bytes(_position(content, 0), "big")
    for second, place in places.items():
        old = b"\xf1\x88" + _position(content, second)
        content = content.replace(old, number(0xF1, place - origin))
    return content


def _position(content: bytes, second: int) -> bytes:
    at = content.index(number(0xB3, 1000 * second), MADE.index.start)
    return content[content.index(b"\xf1\x88", at) + 2 :][:8]


@pytest.mark.parametrize(
    "content",
    [
        lead({9: len(MADE.content) + 1}),
        lead({9: MADE.clusters[9].start + 1}),
        lead({9: MADE.index.start}),
        lead({9: MADE.clusters[8].start - 1}),
        lead({14: MADE.clusters[14].start + 1}),
        lead({20: MADE.clusters[2].start}),
        MADE.content.replace(CUES, b"\x1c\x53\xbb\x6c"),
        MADE.content.replace(element(0xE7)[:1] + b"\x88", b"\xe6\x88"),
        MADE.content.replace(number(0x2AD7B1, 1_000_000), number(0x2AD7B1, 0)),
        MADE.content[:-1],
        MADE.content.replace(b"\x18\x53\x80\x67\x01", b"\x18\x53\x80\x67\x02"),
        MADE.content.replace(number(0x83, 1), number(0x83, 17)).replace(
            number(0x83, 2), number(0x83, 18)
        ),
    ],
)
def test_what_is_odd_is_not_understood(content: bytes):
    assert content != MADE.content
    assert look(content) is None


@pytest.mark.parametrize("length", [9, 10, 137, 1 << 20, 1 << 40])
def test_a_void_is_as_long_as_its_hole(length: int):
    header = void_header(Range(5, 5 + length))
    file = Content(header + bytes(min(length, 200) - 9))
    found = read_element(file, 0, length, Budget(1, "elements"))
    assert (found.id, found.body, found.stop) == (0xEC, 9, length)
