"""Files made box by box: the reader finds the audio of valid ones, and is not led on by others."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.boxes import Chunk, Form, Made, make_fragmented, make_mp4, u32

from soundstrip_media.layout import ALL, HEAD_SECONDS, Layout, Wanted
from soundstrip_media.readers import read_layout
from soundstrip_media.reading import NotUnderstood

CHUNKS = st.lists(
    st.builds(
        Chunk,
        gap=st.integers(0, 300),
        sizes=st.lists(st.integers(1, 255), min_size=1, max_size=6).map(tuple),
    ),
    min_size=1,
    max_size=20,
)
FORMS = st.builds(
    Form,
    index_first=st.booleans(),
    long_offsets=st.booleans(),
    long_media=st.booleans(),
    size_bits=st.sampled_from([8, 16, 32]),
)


class Memory:
    """A file in memory that notes what was read of it."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self.bytes_read = self.reads = 0
        self._content = content

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        self.bytes_read += length
        return self._content[offset : offset + length]

    def expect(self, start: int, stop: int) -> None:
        assert 0 <= start <= stop <= self.size


def bytes_in(layout: Layout) -> set[int]:
    return {at for each in layout.ranges for at in range(each.start, each.stop)}


def audio_of(made: Made) -> set[int]:
    return {at for each in made.audio for at in each}


@given(CHUNKS, FORMS)
def test_exactly_index_headers_and_samples_are_needed(chunks: list[Chunk], form: Form):
    made = make_mp4(chunks, form)
    layout = read_layout(Memory(made.content))
    found = bytes_in(layout)
    assert audio_of(made) <= found
    body = made.audio[0].start - chunks[0].gap
    video = {at for at in found - audio_of(made) - set(made.index) if at >= body}
    assert len(video) <= 8, "no more than a look at the media data's header takes"
    assert layout.audio_bytes == sum(chunk.length for chunk in chunks)
    assert layout.audio_samples == sum(len(chunk.sizes) for chunk in chunks)


@given(CHUNKS, st.booleans())
def test_the_samples_of_fragments_are_found(fragments: list[Chunk], base_is_moof: bool):  # noqa: FBT001
    made = make_fragmented(fragments, base_is_moof=base_is_moof)
    layout = read_layout(Memory(made.content))
    assert audio_of(made) <= bytes_in(layout)
    assert layout.audio_bytes == sum(chunk.length for chunk in fragments)
    video = sum(max(0, chunk.gap - 8) for chunk in fragments[:-1])
    assert len(made.content) - len(bytes_in(layout)) >= video


@given(CHUNKS, FORMS, st.integers(1, 4000))
def test_grains_are_taken_whole(chunks: list[Chunk], form: Form, grain: int):
    made = make_mp4(chunks, form)
    exact = bytes_in(read_layout(Memory(made.content)))
    touched = {at // grain for at in exact}
    wanted = {at for at in range(len(made.content)) if at // grain in touched}
    assert bytes_in(read_layout(Memory(made.content), grain=grain)) == wanted


PART = Wanted(track=0, seek=10, stop=11)

MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "number", "cut", "repeat", "swap"]),
        st.integers(0, 1 << 16),
        st.sampled_from([0, 1, 2, 7, 8, 15, 16, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]),
    ),
    min_size=1,
    max_size=4,
)


def mutate(content: bytes, index: range, mutations: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(content)
    for kind, where, value in mutations:
        at = index.start + where % len(index)
        match kind:
            case "flip":
                data[at : at + 1] = bytes([value & 0xFF])
            case "number":
                data[at : at + 4] = u32(value)
            case "cut":
                del data[at : at + 1 + value % 64]
            case "repeat":
                data[at:at] = data[at : at + 1 + value % 64]
            case _:
                data[at : at + 8] = data[at : at + 8][::-1]
    return bytes(data)


def look(content: bytes, wanted: Wanted = ALL) -> Layout | None:
    """Read the index; whatever it says, the work follows from the file's size."""
    file = Memory(content)
    try:
        layout = read_layout(file, wanted=wanted)
    except NotUnderstood:
        return None
    finally:
        assert file.bytes_read <= 16 * len(content) + 4096
        assert file.reads <= len(content) + 64
    edges = [0, *(edge for each in layout.ranges for edge in (each.start, each.stop))]
    assert all(one <= other for one, other in pairwise([*edges, len(content)]))
    assert 0 <= layout.audio_bytes <= len(content)
    return layout


@given(CHUNKS, FORMS, MUTATIONS)
def test_no_damage_of_an_index_leads_astray(
    chunks: list[Chunk], form: Form, mutations: list[tuple[str, int, int]]
):
    made = make_mp4(chunks, form)
    look(mutate(made.content, made.index, mutations), wanted=PART)
    look(mutate(made.content, range(len(made.content)), mutations))


@given(CHUNKS, st.booleans(), MUTATIONS)
def test_no_damage_of_fragments_leads_astray(
    fragments: list[Chunk],
    base_is_moof: bool,  # noqa: FBT001
    mutations: list[tuple[str, int, int]],
):
    made = make_fragmented(fragments, base_is_moof=base_is_moof)
    look(mutate(made.content, range(made.index.start, len(made.content)), mutations))


@given(st.binary(max_size=400))
def test_noise_is_not_understood(noise: bytes):
    assert look(noise) is None or noise[4:8] == b"moov"


SECOND = Chunk(gap=100, sizes=(100,) * 47)
"""47 samples of 1,024 at 48 kHz: a second, all but."""


SECONDS_OF_CHUNK = 47 * 1024 / 48000
MINUTE = make_mp4([SECOND] * 60)
LONG_CHUNK = tuple(1 + n % 255 for n in range(60 * 47))
MINUTE_OF_ONE_CHUNK = make_mp4([Chunk(gap=10, sizes=LONG_CHUNK)])


@given(st.integers(8, 50), st.integers(1, 30))
def test_a_part_needs_its_samples_and_those_at_the_beginning(seek: int, length: int):
    wanted = Wanted(track=0, seek=seek, stop=seek + length)
    found = read_layout(Memory(MINUTE.content), wanted=wanted).ranges
    for number, chunk in enumerate(MINUTE.audio):
        begin, end = number * SECONDS_OF_CHUNK, (number + 1) * SECONDS_OF_CHUNK
        if end < HEAD_SECONDS or (end > seek and begin < seek + length):
            assert any(e.start <= chunk.start and chunk.stop <= e.stop for e in found)
        behind = end < seek - 2 or begin > seek + length + 2
        if begin > HEAD_SECONDS + 1 and behind:
            assert all(e.stop <= chunk.start or chunk.stop <= e.start for e in found)


@given(st.integers(8, 50), st.integers(1, 10))
def test_a_part_of_one_long_chunk_is_a_part_of_its_bytes(seek: int, length: int):
    wanted = Wanted(track=0, seek=seek, stop=seek + length)
    layout = read_layout(Memory(MINUTE_OF_ONE_CHUNK.content), wanted=wanted)
    first, last = int(seek * 48000 / 1024), int((seek + length) * 48000 / 1024)
    start = MINUTE_OF_ONE_CHUNK.audio[0].start
    part = range(start + sum(LONG_CHUNK[:first]), start + sum(LONG_CHUNK[:last]))
    assert any(e.start <= part.start and part.stop <= e.stop for e in layout.ranges)
    assert layout.audio_samples <= (HEAD_SECONDS + length + 4) * 47


def test_of_a_track_that_is_not_wanted_only_the_beginning_is_needed():
    other, this = (look(MINUTE.content, Wanted(track=track)) for track in (1, 0))
    assert other
    assert this
    assert HEAD_SECONDS <= other.audio_samples * 1024 / 48000 <= HEAD_SECONDS + 0.1
    assert this.audio_bytes == 60 * SECOND.length


VALID = make_mp4([SECOND, SECOND, replace(SECOND, sizes=(3,))]).content


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b"mp4a", b"enca"),
        (b"mvhd", b"cmov"),
        (b"url \0\0\0\1", b"url \0\0\0\0"),
        (b"stsc", b"stcc"),
        (b"stsc" + bytes(4) + u32(2), b"stsc" + bytes(4) + u32(3)),
        (b"stsz" + bytes(8) + u32(95), b"stsz" + bytes(8) + u32(94)),
        (b"stsz" + bytes(8) + u32(95), b"stsz" + bytes(8) + u32(0xFFFFFFFF)),
        (b"stco" + bytes(4) + u32(3), b"stco" + bytes(4) + u32(0x3FFFFFFF)),
        (b"stco" + bytes(4) + u32(3), b"stco" + bytes(4) + u32(2)),
        (b"moov", b"mooo"),
        (b"ftyp", b"moof"),
    ],
)
def test_what_is_odd_is_not_understood(found: bytes, instead: bytes):
    assert found in VALID
    assert look(VALID.replace(found, instead)) is None


def test_two_indexes_are_one_too_many():
    made = make_mp4([SECOND])
    assert look(made.content + made.content[made.index.start : made.index.stop]) is None


def test_an_index_that_speaks_of_bytes_behind_the_end_is_not_understood():
    assert look(VALID[:-1]) is None
