"""Claims about profiles: what an output means where there are these."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.conversions import NOW

from soundstrip_crds.audio import Bitrate, Output, Quality, ResolvedOutput
from soundstrip_crds.profile import BUILT_IN, choose_default
from soundstrip_operator.catalogue import Catalogue
from soundstrip_operator.profiles import Profile, Unresolved, resolve

ROOT = Path(__file__).parents[2]

BITRATES = st.sampled_from(Bitrate.__args__)  # type: ignore[attr-defined]
QUALITIES = st.sampled_from(Quality.__args__)  # type: ignore[attr-defined]
RATES = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"bitrate": BITRATES}),
    st.fixed_dictionaries({"quality": QUALITIES}),
)
NAMES = st.sampled_from([*BUILT_IN, "a", "b", "c"])


def profile(name: str, age: int = 0, version: int = 1, uid: str = "", **spec: Any) -> Profile:
    created = (NOW - timedelta(seconds=age)).isoformat()
    metadata = {"name": name, "uid": uid or name, "resourceVersion": str(version)}
    return Profile.parse({"metadata": metadata | {"creationTimestamp": created}, "spec": spec})


@st.composite
def one_profile(draw: st.DrawFn) -> Profile:
    spec: dict[str, Any] = {"default": draw(st.booleans())} | draw(RATES)
    return profile(draw(NAMES), draw(st.integers(0, 2)), **spec)


PROFILES = st.lists(one_profile(), max_size=5, unique_by=lambda one: one.name)


def resolved(output: Output, *profiles: Profile) -> ResolvedOutput:
    found = resolve(output, profiles)
    assert isinstance(found, ResolvedOutput)
    return found


def unresolved(output: Output, *profiles: Profile) -> str:
    found = resolve(output, profiles)
    assert isinstance(found, Unresolved)
    return found.cause


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_built_in_needs_no_object(name: str):
    output = resolved(Output(profile=name))
    assert output.profile == name
    assert (output.bitrate, output.quality) == (BUILT_IN[name].bitrate, BUILT_IN[name].quality)


def test_who_says_nothing_gets_192k():
    expected = ResolvedOutput(profile="standard", format="mp3", bitrate="192k")
    assert resolved(Output()) == expected


def test_an_object_takes_the_place_of_what_is_built_in():
    mine = profile("standard", bitrate="320k")
    assert resolved(Output(), mine).bitrate == "320k"
    assert resolved(Output(profile="standard"), mine).bitrate == "320k"


def test_an_object_that_says_so_is_the_default():
    mine = profile("mine", quality="V2", default=True)
    expected = ResolvedOutput(profile="mine", format="mp3", quality="V2")
    assert resolved(Output(), mine) == expected
    assert resolved(Output(profile="high"), mine).bitrate == "320k"


def test_of_several_defaults_the_oldest_wins_and_then_the_first_by_name():
    old, new = profile("z", age=2, default=True), profile("a", age=1, default=True)
    twin = profile("y", age=2, default=True)
    assert choose_default([new.metadata, old.metadata]) == "z"
    assert choose_default([new.metadata, old.metadata, twin.metadata]) == "y"


@given(st.data(), PROFILES, st.builds(Output, profile=st.none() | NAMES))
def test_the_order_of_the_profiles_means_nothing(
    data: st.DataObject, profiles: list[Profile], wish: Output
):
    assert resolve(wish, data.draw(st.permutations(profiles))) == resolve(wish, profiles)


@given(PROFILES, RATES.filter(bool))
def test_words_of_its_own_mean_the_same_whatever_profiles_there_are(
    profiles: list[Profile], rate: dict[str, str]
):
    wish = msgspec.convert(rate, Output)
    assert resolve(wish, profiles) == wish.resolve()


@given(PROFILES)
def test_there_is_always_a_default_with_a_rate(profiles: list[Profile]):
    output = resolved(Output(), *profiles)
    assert (output.bitrate is None) != (output.quality is None)


def test_a_profile_that_is_not_there_is_told_with_those_that_are():
    cause = unresolved(Output(profile="mine"), profile("yours"))
    assert "no profile mine" in cause
    assert "high, small, standard, voice, yours" in cause


def test_a_profile_of_a_newer_version_is_not_taken_for_the_built_in_one_of_its_name():
    newer = profile("standard", format="aptx", default=True)
    for wish in (Output(), Output(profile="standard")):
        cause = unresolved(wish, newer)
        assert "can't read the profile standard" in cause
        assert "format" in cause
    assert resolved(Output(profile="high"), newer).bitrate == "320k"


def test_the_catalogue_keeps_the_newest_state_of_each():
    catalogue = Catalogue()
    catalogue.put(profile("a", version=7))
    catalogue.put(profile("a", version=5))
    catalogue.put(profile("b", version=30))
    assert {one.name: one.version for one in catalogue.all()} == {"a": 7, "b": 30}
    catalogue.replace([], version=10)
    assert [one.name for one in catalogue.all()] == ["b"], "what is newer than the list stays"
    catalogue.remove(profile("b", uid="another"))
    assert [one.name for one in catalogue.all()] == ["b"], "its namesake is gone, not this one"
    catalogue.remove(profile("b"))
    assert catalogue.all() == ()


def test_the_crds_and_the_readme_name_what_is_built_in():
    rates = {name: spec.bitrate or spec.quality for name, spec in BUILT_IN.items()}
    [version] = yaml.safe_load(
        (ROOT / "crds" / "soundstrip.dev_conversionprofiles.yaml").read_text()
    )["spec"]["versions"]
    explained = version["schema"]["openAPIV3Schema"]["description"]
    readme = (ROOT / "README.md").read_text()
    for name, rate in rates.items():
        assert f"{name} ({rate}" in explained
        assert f"`{name}` ({rate}" in readme
