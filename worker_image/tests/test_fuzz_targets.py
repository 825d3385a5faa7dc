"""A short run of what `make fuzz-media` runs for as long as one likes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fuzz.mutation import mutate
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_bytes_are_too_much_for_a_reader(name: str, data: st.DataObject):
    target = TARGETS[name]
    mutated = st.builds(mutate, st.sampled_from(target.seeds), st.randoms(use_true_random=False))
    target.read(data.draw(st.binary(max_size=200) | mutated))
