"""A short run of what `make fuzz-media` runs for as long as one likes."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS

CHANCES = st.integers(0, 2**32).map(Random)
"""One number each: Hypothesis' own `randoms` asks for each number that is drawn."""

CONTENTS = {
    name: st.binary(max_size=200) | st.builds(mutate, st.sampled_from(target.seeds), CHANCES)
    for name, target in TARGETS.items()
}


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=300)
@given(data=st.data())
def test_no_bytes_are_too_much_for_a_reader(name: str, data: st.DataObject):
    TARGETS[name].read(data.draw(CONTENTS[name]))
