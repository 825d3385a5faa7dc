import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.mp3 import Toy

from soundstrip_worker.mp3.bridges import plan_bridges, survey
from soundstrip_worker.mp3.cuts import OVERLAP, TAIL, WARM_UP, Segment
from soundstrip_worker.mp3.joining import (
    LEAST_AGREEMENT,
    CutInSilence,
    Disagreement,
    Part,
    find_agreement,
    join,
)

WHOLE = (Segment(0, 0, None),)
PATTERNS = st.lists(st.tuples(st.integers(1, 400), st.integers(0, 3)), min_size=5, max_size=12)


def cut_at(*cuts: int) -> list[Segment]:
    ends = [*(cut + OVERLAP + TAIL for cut in cuts), None]
    return [
        Segment(max(0, cut - WARM_UP), cut, end) for cut, end in zip((0, *cuts), ends, strict=True)
    ]


def encode(toy: Toy, segments: list[Segment], *, through_silence: bool = True) -> list[bytes]:
    parts = [Part(segment, toy.encode(segment)) for segment in segments]
    return list(join(parts, through_silence=through_silence))


def serial(toy: Toy) -> list[bytes]:
    return list(toy.encode(Segment(0, 0, None)))


def toy_of(
    pattern: list[tuple[int, int]], seed: int, forgets_after: int, *, anew: bool = False
) -> Toy:
    """Make it long enough for two cuts."""
    lack = 1500 - sum(length for length, _ in pattern)
    return Toy([*pattern, (max(1, lack), pattern[-1][1])], seed, forgets_after, anew=anew)


@settings(max_examples=60, deadline=None)
@given(PATTERNS, st.integers(0, 1000), st.integers(0, 250), st.integers(150, 600))
def test_a_join_is_the_serial_encode_or_refused(
    pattern: list[tuple[int, int]], seed: int, forgets_after: int, cut: int
):
    toy = toy_of(pattern, seed, forgets_after)
    try:
        joined = encode(toy, cut_at(cut, cut + 500))
    except Disagreement:
        return
    assert joined == serial(toy)


@settings(max_examples=60, deadline=None)
@given(PATTERNS, st.integers(0, 1000), st.integers(150, 600))
def test_a_join_over_bridges_is_the_serial_encode_or_refused(
    pattern: list[tuple[int, int]], seed: int, cut: int
):
    toy = toy_of(pattern, seed, 60)
    sounds = [survey(each, toy.encode(each)) for each in cut_at(cut, cut + 500)]
    try:
        joined = encode(toy, [segment for segment, _ in plan_bridges(sounds)])
    except Disagreement:
        return
    assert joined == serial(toy)


@settings(max_examples=60, deadline=None)
@given(PATTERNS, st.integers(0, 1000), st.integers(150, 600))
def test_what_begins_anew_after_silence_is_always_joined(
    pattern: list[tuple[int, int]], seed: int, cut: int
):
    toy = toy_of(pattern, seed, WARM_UP, anew=True)
    assert encode(toy, cut_at(cut, cut + 500)) == serial(toy)


def test_sound_on_all_channels_is_joined():
    toy = Toy([(1000, 3)], 1, WARM_UP)
    assert encode(toy, cut_at(300, 600)) == serial(toy)


def test_what_is_forgotten_within_the_overlap_is_joined_after_it():
    toy = Toy([(1000, 3)], 1, WARM_UP + OVERLAP - LEAST_AGREEMENT)
    assert encode(toy, cut_at(500)) == serial(toy)
    with pytest.raises(Disagreement, match="differ"):
        encode(Toy([(1000, 3)], 1, WARM_UP + OVERLAP - LEAST_AGREEMENT + 1), cut_at(500))


def test_a_channel_that_is_silent_from_the_beginning_is_no_doubt():
    toy = Toy([(700, 1), (300, 3)], 1, WARM_UP)
    assert encode(toy, cut_at(400)) == serial(toy)


def test_a_channel_that_is_silent_to_the_end_is_no_doubt():
    toy = Toy([(300, 3), (700, 1)], 1, WARM_UP)
    assert encode(toy, cut_at(500)) == serial(toy)


def test_a_channel_that_sounds_before_and_after_a_silent_cut_is_refused():
    pattern = [(300, 3), (400, 1), (300, 3)]
    toy = Toy(pattern, 1, WARM_UP)
    with pytest.raises(CutInSilence):
        encode(toy, cut_at(500))


def test_a_variable_rate_remembers_nothing_through_silence():
    toy = Toy([(300, 0), (700, 0)], 1, WARM_UP)
    assert encode(toy, cut_at(500), through_silence=False) == serial(toy)


def test_a_bridge_leads_over_a_silence():
    toy = Toy([(600, 3), (500, 1), (1100, 3)], 1, WARM_UP)
    sounds = [survey(each, toy.encode(each)) for each in cut_at(800)]
    planned = plan_bridges(sounds)
    assert [is_new for _, is_new in planned] == [False, True, False]
    assert encode(toy, [segment for segment, _ in planned]) == serial(toy)


def test_a_bridge_is_as_long_as_sparse_sound_needs():
    sparse = [(30, 1), (2, 3)] * 60
    toy = Toy([(500, 3), *sparse, (500, 3)], 1, WARM_UP)
    sounds = [survey(each, toy.encode(each)) for each in cut_at(1400)]
    (_, (bridge, is_new), _) = plan_bridges(sounds)
    assert is_new
    assert bridge.end
    assert 600 < bridge.end - bridge.start < 2000
    assert encode(toy, [segment for segment, _ in plan_bridges(sounds)]) == serial(toy)


def test_a_bridge_over_most_of_the_whole_is_refused():
    toy = Toy([(200, 3), (1000, 1), (200, 3)], 1, WARM_UP)
    with pytest.raises(Disagreement, match="too far"):
        plan_bridges([survey(each, toy.encode(each)) for each in cut_at(700)])


def test_a_segment_that_is_too_short_is_refused():
    toy = Toy([(1000, 3)], 1, WARM_UP)
    first, last = cut_at(500)
    for lacking in (first, last):
        parts = [
            Part(each, iter(list(toy.encode(each))[: 200 if each is lacking else None]))
            for each in (first, last)
        ]
        with pytest.raises(Disagreement):
            list(join(parts, through_silence=True))


def test_agreement_is_the_longest_equal_end():
    frames = [bytes([n]) for n in range(OVERLAP)]
    other = [b"x", *frames[1:]]
    assert find_agreement(frames, frames) == 0
    assert find_agreement(frames, other) == 1
    with pytest.raises(Disagreement):
        find_agreement(frames, [*frames[:-1], b"x"])
